/** WordPress, as it is, behind Admintrail: every request recorded, every deed named and readable. */

import { Buffer } from "node:buffer";

import { expect, type Page, test } from "@playwright/test";

import { available, INES, OLENA, start, TOM } from "../../real/wordpress.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

const WRONG = "not-the-Password-4711";
const SLIP = "Geheim-statt-Name-2026";

/** A picture of one dot. */
const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

test.skip(!available(), "WordPress is not installed: apt-get install wordpress php-cli php-mysql mariadb-server-core mariadb-client-core");

test("a day at WordPress is recorded, named and readable", async ({ browser }) => {
  test.setTimeout(150_000);
  const stack = await standUp(browser, { name: "wordpress", start, harmless: /^(wp-settings|wp_lang|wordpress_test_cookie)/ });
  try {
    const context = await browser.newContext(DESK);
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    page.on("dialog", (dialog) => void dialog.accept().catch(() => {}));
    const day = new WordPress(page, stack);

    await day.trySignIn(OLENA.name, WRONG);
    await day.trySignIn(SLIP, WRONG);
    await day.lostPassword();
    await day.signIn(OLENA);
    const made = await day.deedsOfOlena();
    await day.signOut();

    await day.goto("/wp-admin/users.php");
    await day.trySignIn(OLENA.name, WRONG);
    await day.signIn(TOM);
    await day.deedsOfTom();
    await day.signOut();

    await day.signInByDialog(INES);
    await day.goto("/wp-admin/users.php");
    await day.signOut();

    const events = await stack.events();
    told(events, made);
    await expectBars(stack, sent, [WRONG, SLIP, "new-User-pass-2026"]);
    await context.close();
    await pictureOfTrail(browser, stack, "wordpress");
  } finally {
    await stack.stop();
  }
});

/** Numbers that WordPress gave. */
interface Made {
  post: string;
  user: string;
}

/** What people do there, by what they see. */
class WordPress {
  readonly page: Page;
  readonly stack: RealStack;

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async goto(at: string): Promise<void> {
    await this.page.goto(this.stack.url + at);
  }

  async trySignIn(name: string, password: string): Promise<void> {
    await this.goto("/wp-login.php");
    await this.stack.counter.quiet();
    await this.page.getByLabel("Username or Email Address").fill(name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Log In" }).click();
    await expect(this.page.locator("#login_error")).toBeVisible();
  }

  async lostPassword(): Promise<void> {
    await this.page.getByRole("link", { name: "Lost your password?" }).click();
    await this.page.getByLabel("Username or Email Address").fill("nobody");
    await this.page.getByRole("button", { name: "Get New Password" }).click();
    await expect(this.page.locator("#login_error")).toBeVisible();
  }

  async signIn({ name, password }: typeof OLENA): Promise<void> {
    await this.goto("/wp-login.php");
    await this.stack.counter.quiet();
    await this.page.getByLabel("Username or Email Address").fill(name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    // Its cookies last for two weeks then.
    if (name === TOM.name) await this.page.getByLabel("Remember Me").check();
    this.stack.counter.who(name);
    await this.page.getByRole("button", { name: "Log In" }).click();
    await expect(this.page.locator("#wpadminbar")).toBeVisible();
    await this.stack.counter.quiet();
  }

  /** What a page shows over itself when its session is over: answered with 200, not a redirect. */
  async signInByDialog({ name, password }: typeof OLENA): Promise<void> {
    await this.goto("/wp-login.php?interim-login=1&wp_lang=en_US");
    await this.stack.counter.quiet();
    await this.page.getByLabel("Username or Email Address").fill(name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    this.stack.counter.who(name);
    await this.page.getByRole("button", { name: "Log In" }).click();
    await expect(this.page.getByText("You have logged in successfully.")).toBeVisible();
    await this.stack.counter.quiet();
  }

  async signOut(): Promise<void> {
    await this.goto("/wp-admin/profile.php");
    await this.stack.counter.quiet();
    await this.page.locator("#wp-admin-bar-my-account").hover();
    this.stack.counter.untilAnswered(/^GET \/wp-login\.php\?action=logout&/);
    await this.page.locator("#wp-admin-bar-logout a").click();
    await expect(this.page.getByText("You are now logged out.")).toBeVisible();
    await this.stack.counter.quiet();
  }

  async deedsOfOlena(): Promise<Made> {
    const { page } = this;
    await this.goto("/wp-admin/edit.php");
    const post = await this.writePost();

    await this.goto("/wp-admin/media-new.php?browser-uploader");
    await page.setInputFiles("#async-upload", { name: "dot.png", mimeType: "image/png", buffer: DOT });
    await page.locator("#html-upload").click();
    await page.waitForURL(/upload\.php/);

    const user = await this.addUser("newcomer");
    await this.goto(`/wp-admin/user-edit.php?user_id=${user}`);
    await page.getByLabel("First Name").fill("Nora");
    await page.getByRole("button", { name: "Update User" }).click();
    await expect(page.getByText("User updated.")).toBeVisible();

    await this.goto("/wp-admin/profile.php");
    await page.getByLabel("Last Name").fill("Kravets");
    await page.getByRole("button", { name: "Update Profile" }).click();
    await expect(page.getByText("Profile updated.")).toBeVisible();

    await this.goto("/wp-admin/options-general.php");
    await page.getByLabel("Tagline").fill("Hosting in the north");
    await page.getByRole("button", { name: "Save Changes" }).click();
    await expect(page.getByText("Settings saved.")).toBeVisible();

    await this.goto("/wp-admin/plugins.php");
    await page.getByRole("link", { name: "Activate Greeting" }).click();
    await expect(page.getByText("Plugin activated.")).toBeVisible();
    return { post, user };
  }

  async deedsOfTom(): Promise<void> {
    const { page } = this;
    await this.goto("/wp-admin/plugins.php");
    await page.getByRole("link", { name: "Deactivate Greeting" }).click();
    await expect(page.getByText("Plugin deactivated.")).toBeVisible();

    await this.goto("/wp-admin/themes.php");
    const theme = page.getByRole("link", { name: "Activate Plain" });
    await page.locator('[data-slug="plain"]').hover();
    // It slides in, and its script draws the list anew meanwhile.
    await expect(theme).toHaveCSS("opacity", "1");
    await this.stack.counter.quiet();
    await theme.click();
    await expect(page.getByText("New theme activated.")).toBeVisible();

    await this.goto("/wp-admin/edit-comments.php");
    await page.locator("#comment-1").hover();
    await page.locator("#comment-1 .trash a").click();
    await expect(page.locator("#undo-1")).toBeVisible();

    await this.goto("/wp-admin/users.php?s=newcomer");
    const row = page.getByRole("row", { name: /newcomer/ });
    await row.hover();
    await row.getByRole("link", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Confirm Deletion" }).click();
    await expect(page.getByText("User deleted.")).toBeVisible();

    await this.goto("/wp-admin/upload.php?mode=list");
    await this.goto("/wp-admin/options-permalink.php");
    await this.goto("/wp-admin/edit.php?post_type=page");
    // The link without its nonce signs nobody out.
    await this.goto("/wp-login.php?action=logout");
    await this.goto("/wp-admin/tools.php");
  }

  /** Writes, publishes, changes and trashes a post in the block editor; returns its number. */
  async writePost(): Promise<string> {
    const { page } = this;
    await this.goto("/wp-admin/post-new.php");
    await page.getByRole("textbox", { name: "Add title" }).fill("Maintenance on Sunday");
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByRole("region", { name: "Editor publish" }).getByRole("button", { name: "Publish", exact: true }).click();
    await expect(page.getByText("is now live.")).toBeVisible();
    await page.waitForURL(/post=\d+/);
    const post = /post=(\d+)/.exec(page.url())?.[1] ?? "";
    await page.getByRole("button", { name: "Close panel" }).click();
    await page.getByRole("textbox", { name: "Add title" }).fill("Maintenance on Monday");
    await page.getByRole("button", { name: "Update", exact: true }).click();
    await expect(page.getByText("Post updated.").first()).toBeVisible();
    await page.getByRole("button", { name: "Move to trash" }).click();
    await page.waitForURL(/edit\.php/);
    await this.stack.counter.quiet();
    return post;
  }

  async addUser(name: string): Promise<string> {
    const { page } = this;
    await this.goto("/wp-admin/user-new.php");
    await page.getByLabel("Username (required)").fill(name);
    await page.getByLabel("Email (required)").fill(`${name}@hosting.example`);
    await page.locator("#pass1").fill("new-User-pass-2026");
    await page.getByLabel("Send the new user an email").uncheck();
    await page.getByRole("button", { name: "Add New User" }).click();
    await expect(page.getByText("New user created.")).toBeVisible();
    return /[?&]id=(\d+)/.exec(page.url())?.[1] ?? "";
  }
}

/** Each deed reads as a person would say it. */
function told(events: EventJson[], { post, user }: Made): void {
  const lines = sentences(events);
  expectInOrder(lines, [
    "nobody: Viewed sign-in form, success",
    // Nobody knows yet that there is an olena.
    "nobody: Failed sign-in as unknown name (5 characters)",
    "nobody: Failed sign-in as unknown name (22 characters)",
    "nobody: Viewed lost-password form, success",
    "nobody: Tried to ask for a password reset (form came back), success",
    "olena: Signed in, success",
    "olena: Viewed dashboard, success",
    "olena: Listed posts, success",
    "olena: Opened the editor for a new post, success",
    `olena: Saved post ${post} (post/${post}), success`,
    `olena: Saved post ${post} (post/${post}), success`,
    `olena: Moved post ${post} to the trash (post/${post}), success`,
    "olena: Viewed upload form, success",
    "olena: Uploaded a media file, success",
    "olena: Listed media, success",
    "olena: Viewed form of new user, success",
    "olena: Added user, success",
    `olena: Viewed user ${user} (user/${user}), success`,
    "olena: Changed a user, success",
    "olena: Viewed own profile, success",
    "olena: Changed own profile, success",
    "olena: Viewed general settings (settings/general), success",
    "olena: Changed settings (settings), success",
    "olena: Listed plugins, success",
    "olena: Activated plugin greeting.php (plugin/greeting.php), success",
    "olena: Signed out, success",
    "nobody: Viewed sign-in form after signing out, success",
    "nobody: Sent to sign-in, denied",
    "nobody: Failed sign-in as olena, denied",
    "tom: Signed in, success",
    "tom: Deactivated plugin greeting.php (plugin/greeting.php), success",
    "tom: Listed themes, success",
    "tom: Switched theme to plain (theme/plain), success",
    "tom: Listed comments, success",
    "tom: Sent a background call, success",
    "tom: Listed users, success",
    `tom: Was asked to confirm deleting user ${user} (user/${user}), success`,
    `tom: Deleted user ${user} (user/${user}), success`,
    "tom: Listed media, success",
    "tom: Viewed permalink settings (settings/permalink), success",
    "tom: Listed pages, success",
    "tom: Denied: sign out, denied",
    "tom: Viewed tools, success",
    "tom: Signed out, success",
    "ines: Signed in, success",
    "ines: Denied: listed users, denied",
    "ines: Signed out, success",
  ]);
  // A sentence that is made of the path alone is one that the preset lacks.
  const rough = lines.filter((text) => /wp[ -](json|admin|includes)|\.php/.test(text.replace(/\S*greeting\.php\)?/g, "")));
  expect([...new Set(rough)]).toEqual([]);
}
