/** Erasing a person: one owner asks, another one approves, and the name is nowhere afterwards. */

import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "@playwright/test";

import type { Admintrail } from "../stack/admintrail.ts";
import { addOwner, DESK, expect, OWNER, picture, signedIn, test, watch } from "../stack/test.ts";

const OTHER = { email: "olena@hosting.example", name: "Olena Bondar", password: "second-owner-2026!" };
const TOM = "tom.sanders@hosting.example";
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What Tom and somebody else did. */
const EVENTS = Array.from({ length: 24 }, (_, n) => ({
  time: new Date(Date.now() - (n + 1) * 3_600_000).toISOString(),
  method: n % 3 === 0 ? "DELETE" : "POST",
  path: `/client/${n}`,
  status: 200,
  admin: n % 2 === 0 ? TOM : "ines@hosting.example",
  admin_name: n % 2 === 0 ? "Tom Sanders" : "Ines",
  ip: "203.0.113.90",
  user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}));

async function at(browser: Browser, trail: Admintrail, who: typeof OWNER, complaints: string[], options = {}): Promise<Page> {
  const context = await browser.newContext({ ...DESK, storageState: await signedIn(browser, trail, who), ...options });
  const page = await context.newPage();
  watch(page, complaints);
  await page.goto(`${trail.url}/settings/erasure`);
  return page;
}

async function begun(server: () => Promise<Admintrail>, owners: (typeof OWNER)[]): Promise<Admintrail> {
  const trail = await server();
  for (const owner of owners) await addOwner(trail, owner);
  await trail.take("billing", EVENTS);
  return trail;
}

/** Fills in both steps. */
async function ask(page: Page, submit: string): Promise<void> {
  await page.getByLabel("Whose id").fill(TOM);
  await page.getByLabel("Why", { exact: true }).fill("Article 17, asked for on paper");
  await page.getByRole("button", { name: "See what there is" }).click();
  await expect(page.locator("[data-erasure-sure]")).toContainText("12 events");
  await page.getByLabel("I know that it cannot be undone").check();
  await page.getByRole("button", { name: submit, exact: true }).click();
}

/** Nothing for axe, and nothing wider than the screen, in every light. */
async function looked(page: Page, name: string): Promise<void> {
  for (const [look, colorScheme, width] of [["light", "light", 1440], ["dark", "dark", 1440], ["narrow", "light", 375], ["narrow-dark", "dark", 375]] as const) {
    await page.setViewportSize({ width, height: width === 375 ? 812 : 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await picture(page, `erasure-${name}-${look}`, true);
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`)), look).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), look).toBeLessThanOrEqual(width);
  }
  await page.setViewportSize(DESK.viewport);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

test("one owner asks, another approves, and the record names the pseudonym alone", async ({ browser, server, complaints }) => {
  test.setTimeout(120_000);
  const trail = await begun(server, [OWNER, OTHER]);
  const marek = await at(browser, trail, OWNER, complaints);
  await expect(marek.getByText("Nobody has asked for an erasure yet.")).toBeVisible();
  await looked(marek, "empty");
  await marek.getByLabel("Whose id").fill("tom@elsewhere.example");
  await marek.getByLabel("Why", { exact: true }).fill("Article 17");
  await marek.getByRole("button", { name: "See what there is" }).click();
  await expect(marek.locator("#e-admin")).toContainText("Nobody on record has the id");
  await looked(marek, "nobody");

  await marek.getByLabel("Whose id").fill(TOM);
  await marek.getByRole("button", { name: "See what there is" }).click();
  await expect(marek.getByRole("heading", { name: `Erase ${TOM}?` })).toBeVisible();
  await looked(marek, "sure");
  await marek.getByRole("link", { name: "Cancel" }).click();
  await ask(marek, "Ask for it");
  await expect(marek.getByRole("status").first()).toContainText("Another owner has to approve it.");
  const waiting = marek.locator('[data-erasure][data-state="waiting"]');
  await expect(waiting).toContainText(TOM);
  await expect(waiting.getByText("Approve…")).toHaveCount(0);

  const olena = await at(browser, trail, OTHER, complaints);
  await looked(olena, "waiting");
  await olena.getByText("Approve…").click();
  await looked(olena, "approving");
  await olena.getByRole("button", { name: "Erase for good" }).click();
  const done = olena.locator('[data-erasure][data-state="done"]');
  await expect(done).toBeVisible({ timeout: 20_000 });
  await expect(done).toContainText(/erased-[0-9a-f]{4,}/);
  // His own twelve, and the sizes of what was asked about him on this page.
  await expect(done).toContainText(/(1[2-9]|[2-9]\d) events rewritten/);
  await expect(done).toContainText(`Approved by ${OTHER.email}`);
  await looked(olena, "done");
  const pseudonym = (await done.getAttribute("data-erasure")) ?? "";

  await done.getByRole("link", { name: /of the ledger/ }).click();
  await expect(olena.locator('[data-statement="erasure"]')).toContainText(`they now read ${pseudonym}`);
  await olena.goto(`${trail.url}/monitoring/admin-sessions/admins?from=`);
  await expect(olena.getByRole("main")).toContainText(pseudonym);
  await expect(olena.getByRole("main")).not.toContainText(/tom/i);
  await picture(olena, "erasure-admins");
  await olena.goto(`${trail.url}/monitoring/admin-sessions?from=&q=admin:${pseudonym}`);
  await olena.locator("[data-open-event]").first().click();
  await expect(olena.locator("[data-drawer]")).toContainText(pseudonym);
  await expect(olena.locator("[data-drawer]")).not.toContainText(/sanders|203\.0\.113/i);
  await picture(olena, "erasure-drawer");
  expect((await trail.command(["verify"])).stdout).toContain(`now known as ${pseudonym}`);
  await marek.context().close();
  await olena.context().close();
});

test("the keyboard is enough", async ({ browser, server, complaints }) => {
  const trail = await begun(server, [OWNER]);
  const page = await at(browser, trail, OWNER, complaints);
  await page.getByLabel("Whose id").focus();
  await page.keyboard.type(TOM);
  await page.keyboard.press("Tab");
  await page.keyboard.type("Article 17");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "See what there is" })).toBeFocused();
  await page.keyboard.press("Enter");
  const sure = page.getByLabel("I know that it cannot be undone");
  await expect(sure).toBeVisible();
  await sure.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Erase", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator('[data-erasure][data-state="done"]')).toBeVisible({ timeout: 20_000 });
  await page.context().close();
});

test("without JavaScript a person can be erased and the request followed", async ({ browser, server, complaints }) => {
  const trail = await begun(server, [OWNER]);
  const page = await at(browser, trail, OWNER, complaints, { javaScriptEnabled: false });
  await ask(page, "Erase");
  await expect(async () => {
    await page.goto(`${trail.url}/settings/erasure`);
    await expect(page.locator('[data-erasure][data-state="done"]')).toBeVisible({ timeout: 500 });
  }).toPass();
  await page.context().close();
});

test("somebody who may still sign in is to be disabled first", async ({ browser, server, complaints }) => {
  const trail = await begun(server, [OWNER]);
  await trail.ok(["account", "add", TOM, "--role", "viewer", "--password-stdin"], `${OTHER.password}\n`);
  const page = await at(browser, trail, OWNER, complaints);
  await page.getByLabel("Whose id").fill(TOM);
  await page.getByLabel("Why", { exact: true }).fill("Article 17");
  await page.getByRole("button", { name: "See what there is" }).click();
  await expect(page.locator("#e-admin")).toContainText(`admintrail account disable ${TOM}`);
  await trail.ok(["account", "disable", TOM]);
  await ask(page, "Erase");
  await expect(page.locator('[data-erasure][data-state="done"]')).toBeVisible({ timeout: 20_000 });
  expect(await trail.ok(["account", "list"])).toContain("@erased.invalid");
  await page.context().close();
});
