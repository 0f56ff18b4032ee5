/** Settings → Panels: which routes a panel's preset has no line for, and lines to paste. */

import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import type { Page } from "@playwright/test";

import type { Admintrail } from "../stack/admintrail.ts";
import { ago, type Submitted } from "../stack/data.ts";
import { addOwner, DESK, expect, picture, signedIn, test, watch } from "../stack/test.ts";

const PRESET = `about = "Billing"\n[sign_in]\nroutes = ["POST /enter"]\n\n[[route]]\nmatch = "PUT /settings/{group}"\naction = "Changed settings"\n`;

function requests(count: number, method: string, at: (n: number) => string): Submitted[] {
  return Array.from({ length: count }, (_, n) => ({
    time: ago(5 + n),
    method,
    path: at(n),
    status: 200,
    admin: "olena@hosting.example",
  }));
}

const TRAFFIC = [
  ...requests(9, "GET", (n) => `/clients/${4711 + n}`),
  ...requests(4, "POST", (n) => `/clients/${4711 + n}/suspend`),
  ...requests(3, "PUT", () => "/settings/mail"),
  ...requests(2, "GET", () => `/${"very-long-segment-".repeat(30)}end`),
  ...requests(1, "DELETE", () => `/%3Cscript%3Ewindow.pwned=1%3C/script%3E/"><img src=x onerror=window.pwned=1>`),
];

async function lookAt(page: Page, server: Admintrail) {
  await page.goto(`${server.url}/settings/panels`);
  return page.locator('[data-panel="billing"]');
}

test("a preset grows from what was recorded until nothing is without a line", async ({ browser, server, complaints }, info) => {
  const ourselves = await server();
  const file = path.join(path.dirname(ourselves.data), "billing.toml");
  writeFileSync(file, PRESET);
  await ourselves.stop();
  const options = { data: path.join(path.dirname(ourselves.data), "grown"), panels: [{ name: "billing", upstream: "http://127.0.0.1:9", preset: file }] };
  const trail = await server(options);
  await addOwner(trail);
  const context = await browser.newContext({ ...DESK, storageState: await signedIn(browser, trail) });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  watch(page, complaints);

  // Nothing to say yet.
  await expect((await lookAt(page, trail)).locator("[data-routes]")).toHaveCount(0);

  await trail.take("billing", TRAFFIC);
  const card = await lookAt(page, trail);
  await expect(card.locator("[data-coverage]")).toContainText("15.7 % of 19 requests in 30 days");
  const rows = card.locator("tr[data-route]");
  await expect(rows).toHaveCount(4);
  await expect(rows.first()).toContainText("/clients/{id}");
  await expect(rows.first()).toContainText("Viewed client {client}");
  await expect(rows.first()).toContainText("9 requests");
  await expect(rows.nth(1)).toContainText("Ran suspend on client {client}");
  expect(await page.evaluate(() => "pwned" in window)).toBe(false);
  await card.locator("summary").click();
  await card.getByRole("button", { name: "Copy lines" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.replace(/\r\n/g, "\n").trim()).toBe((await card.locator(".paste-lines").textContent())?.trim());
  for (const [scheme, width] of [["light", 1440], ["dark", 1440], ["light", 375]] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 1100 });
    await picture(page, `preset-routes-${scheme}-${width}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  // A route leads to its requests.
  await page.setViewportSize(DESK.viewport);
  await rows.nth(1).getByRole("link").click();
  await expect(page.locator("tr[data-event]")).toHaveCount(1);

  // What the page says is what the command says.
  const said = JSON.parse(await trail.ok(["preset", "test", file, "--panel", "billing", "--json"])) as {
    percent: number;
    routes: { route: string }[];
  };
  expect(said.percent).toBe(15.7);
  expect(said.routes).toHaveLength(4);

  appendFileSync(file, `\n${copied.replace(/\r\n/g, "\n")}\n`);
  await trail.stop();
  await trail.again();
  const whole = await lookAt(page, trail);
  await expect(whole.locator("[data-coverage]")).toContainText("100.0 % of 19 requests");
  await expect(whole.locator("tr[data-route]")).toHaveCount(0);

  // All of it without a script.
  const plain = await browser.newContext({ ...DESK, javaScriptEnabled: false, storageState: await signedIn(browser, trail) });
  await trail.take("billing", requests(1, "POST", () => "/tickets/5/close"));
  const bare = await lookAt(await plain.newPage(), trail);
  await bare.locator("summary").click();
  await expect(bare.locator(".paste-lines")).toContainText('match  = "POST /tickets/{ticket:id}/close"');
  await expect(bare.getByRole("button", { name: "Copy lines" })).toBeHidden();
  expect(info.errors).toEqual([]);
  await plain.close();
  await context.close();
});
