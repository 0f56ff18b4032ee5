/** A search that takes longer than a question may: it goes on by itself, and stops when told to. */

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

import { type Preview, startPreview } from "../stack/preview.ts";

/** Nothing took that long, and no summary knows: every row has to be looked at. */
const SLOW = "/monitoring/admin-sessions?q=duration:%3E100s&from=-30d";

let preview: Preview;

test.describe.configure({ timeout: 90_000 });

test.beforeAll(async () => {
  test.setTimeout(90_000);
  preview = await startPreview("slowest", 8_000);
});

test.afterAll(async () => {
  await preview?.program.stop();
});

const band = (page: Page) => page.locator("[data-search]");
const turn = (page: Page) => page.locator("[data-search-turn]");
const share = async (page: Page) => Number(await page.getByRole("progressbar").getAttribute("aria-valuenow"));

test("it comes further by itself, takes no focus, and is gone when it is done", async ({ page }) => {
  await page.goto(preview.url + SLOW);
  await expect(band(page)).toContainText(/Searched back to .+ · \d+\s% · 0 found so far/);
  await expect(page.locator("[data-empty]")).toContainText("No rows yet.");
  await page.locator("#q").focus();
  const before = await share(page);
  await expect.poll(() => share(page)).toBeGreaterThan(before);
  await expect(page.locator("#q")).toBeFocused();
  await expect(band(page)).toHaveCount(0, { timeout: 60_000 });
  await expect(page.locator("[data-empty]")).toContainText("Nothing matches.");
  await expect(page.locator("#q")).toBeFocused();
});

test("Stop stops it, refreshing included; Continue takes it up again", async ({ page }) => {
  await page.goto(preview.url + SLOW.replace("100s", "200s"));
  await turn(page).click();
  await expect(band(page)).toContainText(/Stopped at \d+\s%/);
  await expect(turn(page)).toHaveText("Continue");
  await expect(turn(page)).toBeFocused();
  await page.waitForTimeout(800);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.waitForTimeout(6_500);
  expect(asked, "nobody asks while it is stopped").toEqual([]);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).include("[data-search]").analyze();
    expect(violations).toEqual([]);
  }
  const stopped = await share(page);
  await turn(page).click();
  await expect(turn(page)).toHaveText("Stop");
  await expect.poll(() => share(page)).toBeGreaterThan(stopped);
});

test("another view searches anew, and a narrow screen has room for it", async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 812 });
  await page.goto(preview.url + SLOW.replace("100s", "300s"));
  await turn(page).click();
  await expect(turn(page)).toHaveText("Continue");
  const box = await turn(page).boundingBox();
  expect(box?.height).toBeGreaterThanOrEqual(24);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
  await page.locator("#q").fill("duration:>400s");
  await page.locator("#q").press("Enter");
  await expect(page).toHaveURL(/400s/);
  await expect(turn(page)).toHaveText("Stop");
});

test("without scripts a link goes on", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(preview.url + SLOW.replace("100s", "500s"));
  const before = await share(page);
  await page.getByRole("link", { name: "Search on" }).click();
  expect(await share(page)).toBeGreaterThan(before);
  await context.close();
});
