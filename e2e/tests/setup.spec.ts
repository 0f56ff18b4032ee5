/** The first account, and where else proof may be kept. */

import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";

import type { Page } from "@playwright/test";

import type { Admintrail } from "../stack/admintrail.ts";
import { findings, outside } from "../stack/axe.ts";
import { DESK, expect, picture, test, watch } from "../stack/test.ts";

const NOBODY = { ...DESK, storageState: { cookies: [], origins: [] } };
const ASKED = "Where else may proof be kept?";

/** Opens the link that the server printed and fills in who one is. */
async function begin(page: Page, trail: Admintrail): Promise<void> {
  const [link] = await trail.program.says(/http:\/\/\S+\/setup\?token=[\w-]+/);
  await page.goto(link);
  await page.getByLabel("E-mail").fill("first@hosting.example");
  await page.getByLabel("Password", { exact: true }).fill("a-good-long-password");
}

test("by keyboard: a wrong place is told at its field, and a right one has a checkpoint seconds later", async ({ browser, server, complaints }) => {
  const trail = await server();
  const context = await browser.newContext(NOBODY);
  const page = await context.newPage();
  watch(page, complaints);
  await begin(page, trail);
  await page.keyboard.press("Tab");
  await expect(page.locator("[name=identities]")).toBeFocused();
  await page.keyboard.press("Tab");
  const place = page.getByLabel(ASKED);
  await expect(place).toBeFocused();
  await expect(place).toHaveAccessibleDescription(/rewrite everything that nobody else has a checkpoint of/);
  await page.keyboard.type("backup/admintrail.checkpoint");
  await page.keyboard.press("Enter");
  await expect(place).toHaveAccessibleDescription(/is not an absolute path such as \/mnt/);
  await expect(place).toHaveValue("backup/admintrail.checkpoint");
  await expect(place).toBeFocused();
  await expect(page.getByLabel("E-mail")).toHaveValue("first@hosting.example");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `setup-wrong-place-${colorScheme}`, true);
    expect(await findings(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 375, height: 812 });
  await picture(page, "setup-wrong-place-narrow", true);
  expect(await outside(page)).toEqual([]);
  expect(await findings(page)).toEqual([]);

  const folder = path.join(path.dirname(trail.data), "backup");
  mkdirSync(folder);
  const file = path.join(folder, "admintrail.checkpoint");
  await place.fill(file);
  await page.getByLabel("Password", { exact: true }).fill("a-good-long-password");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
  expect(await trail.ok(["verify", "--anchor", file])).toContain("intact");
  await page.goto(`${trail.url}/`);
  await expect(page.locator("[data-hint]").filter({ hasText: ASKED })).toHaveCount(0);
  await context.close();
});

test("left empty, dashboard and Integrity ask once more, until there is a place", async ({ browser, server, complaints }) => {
  const trail = await server();
  const context = await browser.newContext(NOBODY);
  const page = await context.newPage();
  watch(page, complaints);
  await begin(page, trail);
  await picture(page, "setup-place-light", true);
  await page.getByRole("button", { name: "Make account" }).click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  await page.goto(`${trail.url}/`);
  const hint = page.locator("[data-hint]").filter({ hasText: ASKED });
  await expect(hint).toBeVisible();
  await picture(page, "dashboard-no-anchor-light");
  await hint.getByRole("link", { name: "Add a place" }).click();
  await expect(page).toHaveURL(/integrity#anchors$/);
  await expect(page.getByLabel(ASKED)).toBeInViewport();
  await page.getByLabel(ASKED).fill(path.join(path.dirname(trail.data), "admintrail.checkpoint"));
  await page.keyboard.press("Enter");
  await expect(page.getByText("it gets its first checkpoint now")).toBeVisible();
  await expect(hint).toHaveCount(0);
  await context.close();
});

test("without JavaScript: a receiver that is named at setup leads to its secret", async ({ browser, server }) => {
  const trail = await server();
  const context = await browser.newContext({ ...NOBODY, javaScriptEnabled: false });
  const page = await context.newPage();
  await begin(page, trail);
  await page.getByLabel(ASKED).fill("http://hooks.example.org/canary");
  await page.getByRole("button", { name: "Make account" }).click();
  await expect(page.locator("#e-place")).toContainText("This is not encrypted; write https");
  await page.getByLabel(ASKED).fill("https://anchors.example.org/canary");
  await page.getByLabel("Password", { exact: true }).fill("a-good-long-password");
  await page.getByRole("button", { name: "Make account" }).click();
  await expect(page).toHaveURL(/integrity#anchors$/);
  await expect(page.getByLabel("Secret of the receiver anchors.example.org")).toHaveValue(/^whsec_/);
  expect(await page.content()).not.toContain("canary");
  await page.reload();
  await expect(page.locator("[data-new-receiver]")).toHaveCount(0);
  await context.close();
});
