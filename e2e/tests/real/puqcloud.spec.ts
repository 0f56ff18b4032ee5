/** A panel with PUQcloud's routes behind Admintrail: one cookie for everybody who uses the browser. */

import { expect, type Page, test } from "@playwright/test";

import { INES, OLENA, start, TOM } from "../../real/puqcloud.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

const WRONG = "not-the-Password-4711";

test("a day at PUQcloud is recorded, named and readable", async ({ browser }) => {
  test.setTimeout(90_000);
  const stack = await standUp(browser, { name: "puqcloud", start });
  try {
    const context = await browser.newContext(DESK);
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    const day = new PuqCloud(page, stack);

    await day.goto("clients");
    await day.trySignIn(OLENA.name, WRONG);
    await day.trySignIn("root", WRONG);
    await day.signIn(OLENA);
    const made = await day.deedsOfOlena();
    await day.signOut();

    // The same cookie, and nobody behind it.
    await day.goto("clients");
    await day.trySignIn(OLENA.name, WRONG);
    await day.signIn(TOM);
    await day.deedsOfTom(made);
    await day.signOut();

    await day.signIn(INES);
    await day.deedsOfInes(made);
    await day.signOut();

    const cookies = (await context.cookies()).filter((cookie) => cookie.name === "puqcloud_session");
    expect(cookies.map((cookie) => cookie.value)).toEqual([day.cookie]);
    const events = await stack.events();
    told(events, made);
    await expectBars(stack, sent, [WRONG]);
    await context.close();
    await pictureOfTrail(browser, stack, "puqcloud");
  } finally {
    await stack.stop();
  }
});

/** Ids that the panel gave. */
interface Made {
  client: string;
  zone: string;
}

/** What people do there, by what they see. */
class PuqCloud {
  readonly page: Page;
  readonly stack: RealStack;
  /** The session's, at the first sign-in. */
  cookie = "";

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async goto(at: string): Promise<void> {
    await this.page.goto(`${this.stack.url}/admin/${at}`);
    await this.stack.counter.quiet();
  }

  async trySignIn(name: string, password: string): Promise<void> {
    await this.page.getByLabel("Email").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await expect(this.page.getByText("Invalid email or password")).toBeVisible();
    await this.stack.counter.quiet();
  }

  async signIn({ name, password }: typeof OLENA): Promise<void> {
    await this.page.getByLabel("Email").fill(name);
    await this.page.getByLabel("Password").fill(password);
    this.stack.counter.who(name);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await expect(this.page.getByText(name)).toBeVisible();
    await this.stack.counter.quiet();
    const cookies = await this.page.context().cookies();
    this.cookie ||= cookies.find((cookie) => cookie.name === "puqcloud_session")?.value ?? "";
  }

  async signOut(): Promise<void> {
    await this.stack.counter.quiet();
    this.stack.counter.untilAnswered(/^GET \/admin\/api\/logout/);
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await expect(this.page.getByLabel("Email")).toBeVisible();
    await this.stack.counter.quiet();
  }

  /** What a button does. */
  async press(method: string, path: string, body?: object): Promise<void> {
    type Page = { deed(method: string, path: string, body?: object): Promise<void> };
    await this.page.evaluate(([method, path, body]) => (globalThis as unknown as Page).deed(method, path, body), [method, path, body] as const);
    await this.stack.counter.quiet();
  }

  /** The id of the last thing that the page lists. */
  async last(): Promise<string> {
    return (await this.page.locator("li").last().getAttribute("data-uuid")) ?? "";
  }

  async deedsOfOlena(): Promise<Made> {
    for (const at of ["admins", "groups"]) await this.goto(at);
    await this.press("POST", "group", { name: "Billing" });
    await this.goto("clients");
    await this.press("POST", "client", { name: "Fabrikam" });
    const client = await this.last();
    await this.goto(`client/${client}/summary`);
    await this.press("PUT", `client/${client}`, { name: "Fabrikam Ltd" });
    await this.goto("services");
    await this.press("PUT", `service/${await this.last()}`, { name: "web-02" });
    await this.goto("products");
    await this.goto("invoices");
    await this.press("PUT", `invoice/${await this.last()}/publish`);
    await this.goto("dns_zones");
    const zone = await this.last();
    await this.goto(`dns_zone/${zone}/dns_records`);
    await this.press("POST", `dns_zone/${zone}/dns_record`, { name: "www" });
    await this.press("DELETE", `dns_zone/${zone}/dns_record/${await this.last()}`);
    await this.goto("add_ons/modules");
    await this.press("POST", `add_ons/module/${await this.last()}/deactivate`);
    await this.goto("general_settings");
    await this.press("PUT", "general_settings", { name: "Cloud" });
    await this.goto("my_account");
    // Long enough on one page that the bell rings by itself.
    await this.page.waitForRequest(/bell_notification/);
    await this.stack.counter.quiet();
    return { client, zone };
  }

  async deedsOfTom({ client }: Made): Promise<void> {
    const { page } = this;
    for (const at of ["activity_logs", "module_logs", "admin_session_logs"]) await this.goto(at);
    await this.goto(`client/${client}/summary`);
    await this.goto(`client/${client}/login_as_client_owner`);
    await expect(page.getByText("Client area")).toBeVisible();
    await page.getByRole("link", { name: "My services" }).click();
    await page.getByRole("link", { name: "Return to admin" }).click();
    await expect(page.getByText(TOM.name)).toBeVisible();
    await this.stack.counter.quiet();
    await this.press("DELETE", `client/${client}`);
  }

  async deedsOfInes({ zone }: Made): Promise<void> {
    await this.goto("dns_zones");
    await this.press("DELETE", `dns_zone/${zone}`);
  }
}

/** Each deed reads as a person would say it. */
function told(events: EventJson[], made: Made): void {
  const client = `client ${made.client.slice(0, 8)}… (client/${made.client})`;
  const zone = `DNS zone ${made.zone.slice(0, 8)}… (dns_zone/${made.zone})`;
  const [olena, tom, ines] = [OLENA.name, TOM.name, INES.name];
  expectInOrder(sentences(events), [
    "nobody: Sent to sign-in (client), denied",
    "nobody: Viewed sign-in form, success",
    // Nobody knows yet that there is an Olena.
    "nobody: Failed sign-in as unknown name (21 characters)",
    "nobody: Failed sign-in as root, denied",
    `${olena}: Signed in, success`,
    `${olena}: Viewed dashboard, success`,
    `${olena}: Viewed list of admins (admin), success`,
    `${olena}: Created group (group), success`,
    `${olena}: Viewed list of clients (client), success`,
    `${olena}: Created client (client), success`,
    `${olena}: Viewed summary of ${client}, success`,
    `${olena}: Changed ${client}, success`,
    `${olena}: Viewed list of services (service), success`,
    `${olena}: Changed service `,
    `${olena}: Viewed list of products (product), success`,
    `${olena}: Viewed list of invoices (invoice), success`,
    `${olena}: Published invoice `,
    `${olena}: Viewed list of DNS zones (dns_zone), success`,
    `${olena}: Viewed records of ${zone}, success`,
    `${olena}: Added a record to ${zone}, success`,
    `${olena}: Deleted record `,
    `${olena}: Viewed modules (add_ons/modules), success`,
    `${olena}: Deactivated module `,
    `${olena}: Viewed general settings (settings/general), success`,
    `${olena}: Changed general settings (settings/general), success`,
    `${olena}: Viewed own account (my_account), success`,
    `${olena}: Signed out, success`,
    // The same cookie, and nobody behind it.
    "nobody: Sent to sign-in (client), denied",
    `nobody: Failed sign-in as ${olena}, denied`,
    `${tom}: Signed in, success`,
    `${tom}: Viewed activity log (activity_log), success`,
    `${tom}: Viewed module log (module_log), success`,
    `${tom}: Viewed admin session log (admin_session_log), success`,
    `${tom}: Viewed summary of ${client}, success`,
    `${tom} as client/${made.client}: Logged in as ${client}, success`,
    `${tom} as client/${made.client}: Viewed start page, success`,
    `${tom} as client/${made.client}: Listed services, success`,
    `${tom} as client/${made.client}: Stopped being ${client}, success`,
    `${tom}: Viewed summary of ${client}, success`,
    `${tom}: Deleted ${client}, success`,
    `${tom}: Signed out, success`,
    `${ines}: Signed in, success`,
    `${ines}: Denied: delete ${zone}, denied`,
    `${ines}: Signed out, success`,
  ]);
  // The bell rings on every page, and is folded away.
  const bells = events.filter((event) => event.action === "Checked the bell");
  expect(bells.length).toBeGreaterThan(10);
  expect(bells.filter((event) => !event.polling)).toEqual([]);
  // Whoever signs in with the same cookie begins another session.
  const signIns = events.filter((event) => event.action === "Signed in");
  expect(new Set(signIns.map((event) => event.session)).size).toBe(3);
}
