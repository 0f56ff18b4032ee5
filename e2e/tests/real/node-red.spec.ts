/** Node-RED, as it is, behind Admintrail: a form gives a token, each call carries it, a call revokes it. */

import { expect, type Page, test } from "@playwright/test";

import { available, BUTTON, INES, OLENA, REQUEST, SHOW, start, TOM } from "../../real/node-red.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

const WRONG = "not-the-Password-4711";

test.skip(!available(), "Node-RED is not installed: npm ci in e2e/real/node-red");

test("a day at Node-RED is recorded, named and readable", async ({ browser }) => {
  test.setTimeout(120_000);
  // What the editor loads by tags, and its live connection, carry no token.
  const stack = await standUp(browser, { name: "node-red", start, open: /^(?!\/auth\/)/ });
  try {
    const context = await browser.newContext(DESK);
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    const day = new NodeRed(page, stack);

    await page.goto(`${stack.url}/`);
    await day.trySignIn(OLENA.name, WRONG);
    await day.trySignIn("root", WRONG);
    await day.signIn(OLENA);
    await day.deedsOfOlena();
    await day.signOut();

    await day.trySignIn(OLENA.name, WRONG);
    await day.signIn(TOM);
    await day.deedsOfTom();
    await day.signOut();

    await day.signIn(INES);
    await day.deedsOfInes();
    await day.signOut();

    const events = await stack.events();
    told(events);
    await expectBars(stack, sent, [WRONG]);
    await context.close();
    await pictureOfTrail(browser, stack, "node-red");
  } finally {
    await stack.stop();
  }
});

/** What the editor's pages offer to scripts. */
interface Editor {
  RED: { actions: { invoke(name: string): void } };
}

/** What people do there, by what they see. */
class NodeRed {
  readonly page: Page;
  readonly stack: RealStack;

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async fill(name: string, password: string): Promise<void> {
    await this.stack.counter.quiet();
    await this.page.getByLabel("Username").fill(name);
    await this.page.getByLabel("Password").fill(password);
  }

  async trySignIn(name: string, password: string): Promise<void> {
    await this.fill(name, password);
    await this.page.getByRole("button", { name: "Login" }).click();
    await expect(this.page.getByText("Login failed")).toBeVisible();
  }

  async signIn({ name, password }: typeof OLENA): Promise<void> {
    await this.fill(name, password);
    this.stack.counter.who(name);
    await this.page.getByRole("button", { name: "Login" }).click();
    await expect(this.page.locator("#red-ui-header-button-deploy")).toBeVisible();
    await this.stack.counter.quiet();
  }

  async signOut(): Promise<void> {
    await this.stack.counter.quiet();
    await this.page.locator("#red-ui-header-button-user").click();
    this.stack.counter.untilAnswered(/^POST \/auth\/revoke/);
    await this.page.getByText("Logout").click();
    await expect(this.page.getByLabel("Username")).toBeVisible();
    await this.stack.counter.quiet();
  }

  /** Does what an entry of the editor's menu or a key does. */
  async act(name: string): Promise<void> {
    await this.page.evaluate((action) => (globalThis as unknown as Editor).RED.actions.invoke(`core:${action}`), name);
  }

  async deploy(): Promise<void> {
    await this.page.locator("#red-ui-header-button-deploy").click();
    await expect(this.page.getByText("Successfully deployed")).toBeVisible();
    await this.stack.counter.quiet();
  }

  /** The button that a node wears. */
  async press(node: string): Promise<void> {
    await this.page.locator(`[id="${node}"] .red-ui-flow-node-button-button`).click();
    await this.stack.counter.quiet();
  }

  async readContext(): Promise<void> {
    const { page } = this;
    await this.act("show-context-tab");
    await page.locator(".red-ui-palette-header", { hasText: "Global" }).getByRole("button").last().click();
    await expect(page.getByRole("cell", { name: "invoices" })).toBeVisible();
    await this.stack.counter.quiet();
  }

  async deedsOfOlena(): Promise<void> {
    const { page } = this;
    await this.press(BUTTON);
    await this.press(SHOW);
    await this.readContext();
    await page.getByRole("row", { name: "invoices" }).hover();
    await page.locator("button", { has: page.locator(".fa-trash") }).filter({ visible: true }).click();
    await page.getByRole("button", { name: "Delete" }).filter({ visible: true }).click();
    await this.stack.counter.quiet();
    await this.act("add-flow");
    await this.deploy();
    await this.act("show-previous-tab");
    await this.act("stop-flows");
    await this.stack.counter.quiet();
    await this.act("start-flows");
    await this.stack.counter.quiet();
    await this.act("restart-flows");
    await this.stack.counter.quiet();
    await this.act("show-system-info");
    await this.stack.counter.quiet();
    await this.act("cancel-edit-tray");
    await this.act("show-about");
    await this.stack.counter.quiet();

    await page.locator(`[id="${REQUEST}"]`).dblclick();
    await this.stack.counter.quiet();
    await this.act("cancel-edit-tray");
    await this.act("show-user-settings");
    await page.getByText("Show tips", { exact: true }).click();
    const saved = page.waitForResponse((answer) => answer.url().endsWith("/settings/user"));
    await page.getByRole("button", { name: "Close" }).click();
    await saved;
  }

  async deedsOfTom(): Promise<void> {
    // The token is kept by the browser: a page that is loaded anew has it at once.
    await this.page.reload();
    await expect(this.page.locator("#red-ui-header-button-deploy")).toBeVisible();
    await this.stack.counter.quiet();
    await this.press(BUTTON);
    await this.readContext();
    await this.act("restart-flows");
    await this.stack.counter.quiet();
  }

  /** Her page offers what the panel then refuses. */
  async deedsOfInes(): Promise<void> {
    await this.press(BUTTON);
    await this.readContext();
  }
}

/** Each deed reads as a person would say it. */
function told(events: EventJson[]): void {
  const lines = sentences(events);
  expectInOrder(lines, [
    "nobody: Opened editor, success",
    "nobody: Denied: loaded settings (settings), denied",
    "nobody: Looked up how to sign in, success",
    // Nobody knows yet that there is an olena.
    "nobody: Failed sign-in as unknown name (5 characters)",
    "nobody: Failed sign-in as root, denied",
    "olena: Signed in, success",
    "olena: Loaded settings (settings), success",
    "olena: Loaded own settings (settings/user), success",
    "olena: Listed plugins, success",
    "olena: Listed modules, success",
    "olena: Looked up icons, success",
    "olena: Loaded flows (flows), success",
    `olena: Triggered node ${BUTTON} (node/${BUTTON}), success`,
    `olena: Disabled debug node ${SHOW} (node/${SHOW}), success`,
    "olena: Viewed global context (context/global), success",
    "olena: Deleted invoices of global context (context/global), success",
    "olena: Viewed invoices of global context (context/global), success",
    "olena: Deployed flows (flows), success",
    "olena: Started or stopped flows (flows), success",
    "olena: Started or stopped flows (flows), success",
    "olena: Deployed flows (flows), success",
    "olena: Viewed diagnostics, success",
    "olena: Viewed release notes, success",
    `olena: Looked up which credentials node ${REQUEST} has (node/${REQUEST}), success`,
    "olena: Changed own settings (settings/user), success",
    "olena: Signed out, success",
    "nobody: Denied: loaded settings (settings), denied",
    "nobody: Failed sign-in as olena, denied",
    "tom: Signed in, success",
    "tom: Loaded flows (flows), success",
    "nobody: Opened editor, success",
    "tom: Loaded settings (settings), success",
    `tom: Triggered node ${BUTTON} (node/${BUTTON}), success`,
    "tom: Deployed flows (flows), success",
    "tom: Signed out, success",
    "ines: Signed in, success",
    `ines: Denied: trigger node ${BUTTON} (node/${BUTTON}), denied`,
    // What she lacks is the right, not a session.
    "ines: Viewed global context (context/global), success",
    "ines: Signed out, success",
    "nobody: Denied: loaded settings (settings), denied",
  ]);
  // A sentence that is made of the path alone is one that the preset lacks.
  const lacking = events.filter((event) => !event.asset && /^(Viewed|Sent) \S+\//.test(event.action));
  expect(lacking.map((event) => `${event.method} ${event.path}`)).toEqual([]);
}
