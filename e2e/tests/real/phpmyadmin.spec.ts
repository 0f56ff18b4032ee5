/** phpMyAdmin, as it is, behind Admintrail: a panel that encrypts its cookie anew all the time. */

import { expect, type Page, test } from "@playwright/test";

import { available, OLENA, start, TOM } from "../../real/phpmyadmin.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

const WRONG = "not-the-Password-4711";
const SLIP = "Geheim-statt-Name-2026";

test.skip(!available(), "phpMyAdmin is not installed: apt-get install phpmyadmin php-cli php-mysql mariadb-server-core mariadb-client-core");

test("a day at phpMyAdmin is recorded, named and readable", async ({ browser }) => {
  test.setTimeout(150_000);
  const stack = await standUp(browser, { name: "phpmyadmin", start, harmless: /^pma_/ });
  try {
    const context = await browser.newContext(DESK);
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    page.on("dialog", (dialog) => void dialog.accept().catch(() => {}));
    const day = new PhpMyAdmin(page, stack);

    await day.trySignIn(OLENA.name, WRONG);
    await day.trySignIn(SLIP, WRONG);
    await day.signIn(OLENA);
    await day.deedsOfOlena();
    await day.signOut();

    await day.goto("/sql&db=shop&table=orders");
    await day.trySignIn(OLENA.name, WRONG);
    await day.signIn(TOM);
    await day.deedsOfTom();
    await day.signOut();

    const events = await stack.events();
    await expectBars(stack, sent, [WRONG, SLIP]);
    told(events);
    await context.close();
    await pictureOfTrail(browser, stack, "phpmyadmin");
  } finally {
    await stack.stop();
  }
});

/** What people do there, by what they see. */
class PhpMyAdmin {
  readonly page: Page;
  readonly stack: RealStack;

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async goto(route: string): Promise<void> {
    await this.page.goto(`${this.stack.url}/index.php?route=${route}`);
    await this.stack.counter.quiet();
  }

  async fill(name: string, password: string): Promise<void> {
    await this.page.goto(`${this.stack.url}/`);
    await this.stack.counter.quiet();
    await this.page.getByLabel("Username:").fill(name);
    await this.page.getByLabel("Password:").fill(password);
  }

  async trySignIn(name: string, password: string): Promise<void> {
    await this.fill(name, password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await expect(this.page.getByText(/Access denied for user|Cannot log in/).first()).toBeVisible();
  }

  async signIn({ name, password }: typeof OLENA): Promise<void> {
    await this.fill(name, password);
    this.stack.counter.who(name);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await expect(this.page.getByRole("link", { name: "Log out" })).toBeVisible();
    await this.stack.counter.quiet();
  }

  async signOut(): Promise<void> {
    await this.stack.counter.quiet();
    this.stack.counter.untilAnswered(/^POST \/index\.php\?route=\/logout/);
    await this.page.getByRole("link", { name: "Log out" }).click();
    await expect(this.page.getByLabel("Username:")).toBeVisible();
    await this.stack.counter.quiet();
  }

  async deedsOfOlena(): Promise<void> {
    const { page } = this;
    await this.goto("/server/databases");
    await page.getByPlaceholder("Database name").fill("archive");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await this.stack.counter.quiet();
    await this.goto("/database/structure&db=shop");
    await this.goto("/sql&db=shop&table=orders&pos=0");
    await this.goto("/table/structure&db=shop&table=orders");
    await this.goto("/table/change&db=shop&table=orders");
    await page.locator("#field_2_3").fill("Fabrikam");
    await page.locator("#field_3_3").fill("42");
    await page.locator("#buttonYes").first().click();
    await expect(page.getByText("1 row inserted.").first()).toBeVisible();
    await this.goto("/table/search&db=shop&table=orders");
    await this.goto("/table/operations&db=shop&table=orders");
    await this.goto("/database/export&db=shop");
    await this.goto("/database/sql&db=shop");
    await page.locator(".CodeMirror").filter({ visible: true }).first().click();
    await page.keyboard.insertText("SELECT customer FROM orders");
    await page.locator("#button_submit_query").click();
    await expect(page.getByText("Showing rows 0 -").first()).toBeVisible();
    await this.stack.counter.quiet();
  }

  async deedsOfTom(): Promise<void> {
    const { page } = this;
    await this.goto("/server/privileges");
    await this.goto("/server/privileges&username=olena&hostname=localhost");
    await this.goto("/server/status");
    await this.goto("/server/status/processes");
    await this.goto("/server/variables");
    await this.goto("/preferences/manage");
    // Without its token the call signs nobody out.
    await page.evaluate(() => fetch("index.php?route=/logout", { method: "POST" }).then((answer) => answer.text()));
    await this.goto("/database/export&db=shop");
    const download = page.waitForEvent("download");
    await page.locator("#buttonGo").click();
    await (await download).cancel().catch(() => {});
    await this.goto("/server/databases");
    await page.getByRole("row", { name: /archive/ }).getByRole("checkbox").check();
    await page.locator("#bulkActionDropButton").click();
    await page.locator("#dropDatabaseModalDropButton").click();
    await expect(page.getByText("1 database has been dropped successfully.")).toBeVisible();
  }
}

/** Each deed reads as a person would say it. */
function told(events: EventJson[]): void {
  const lines = sentences(events);
  expectInOrder(lines, [
    // Nobody knows yet that there is an olena.
    "nobody: Failed sign-in as unknown name (5 characters)",
    "nobody: Failed sign-in as unknown name (22 characters)",
    "olena: Signed in, success",
    "olena: Viewed start page, success",
    "olena: Listed databases, success",
    "olena: Created a database, success",
    "olena: Listed tables of archive (database/archive), success",
    "olena: Listed tables of shop (database/shop), success",
    "olena: Browsed table shop.orders (table/shop.orders), success",
    "olena: Viewed structure of table shop.orders (table/shop.orders), success",
    "olena: Opened row form of table shop.orders (table/shop.orders), success",
    "olena: Saved rows of a table, success",
    "olena: Opened search of table shop.orders (table/shop.orders), success",
    "olena: Viewed operations of table shop.orders (table/shop.orders), success",
    "olena: Opened export of shop (database/shop), success",
    "olena: Opened SQL box of shop (database/shop), success",
    "olena: Ran SQL or imported data, success",
    "olena: Signed out, success",
    // It shows its form under any address.
    "nobody: Sent to sign-in (table/shop.orders), denied",
    "nobody: Failed sign-in as olena, denied",
    "tom: Signed in, success",
    "tom: Listed user accounts, success",
    "tom: Viewed privileges of olena (user/olena), success",
    "tom: Viewed server status, success",
    "tom: Viewed server status: processes, success",
    "tom: Listed server variables, success",
    "tom: Viewed own settings: manage (settings), success",
    "tom: Sent POST /index.php/logout, success",
    "tom: Exported data, success",
    "tom: Dropped databases, success",
    "tom: Signed out, success",
  ]);
  // A sentence that is made of the path alone is one that the preset lacks.
  const rough = lines.filter((text) => /index(\/|\.php)/.test(text) && !text.includes("POST /index.php/logout"));
  expect([...new Set(rough)]).toEqual([]);
}
