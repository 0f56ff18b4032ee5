/** What the page says when there is nothing to show, or when something is wrong. */

import type { Browser } from "@playwright/test";

import { AdminSessions } from "../pages/admin_sessions.ts";
import type { Admintrail } from "../stack/admintrail.ts";
import { ago, manyRequests } from "../stack/data.ts";
import { addOwner, expect, picture, signedIn, test, watch } from "../stack/test.ts";

/** The owner, looking at thirty requests of a server of the test's own. */
async function watching(browser: Browser, trail: Admintrail) {
  await addOwner(trail);
  await trail.take("past", manyRequests(30, 1));
  const context = await browser.newContext({ storageState: await signedIn(browser, trail) });
  const page = await context.newPage();
  const list = new AdminSessions(page, trail.url);
  await list.open({ q: "panel:past" });
  return { trail, context, page, list };
}

test("before the first request the page says what it waits for, and where", async ({ browser, server }) => {
  const trail = await server();
  await addOwner(trail);
  const context = await browser.newContext({ storageState: await signedIn(browser, trail) });
  const page = await context.newPage();
  const list = new AdminSessions(page, trail.url);
  await list.open();
  await expect(page.locator("[data-empty]")).toContainText("No requests yet.");
  await expect(page.locator("[data-empty]")).toContainText(`Waiting for billing on :${trail.ports.panels.billing}`);
  await picture(page, "empty-light");
  await fetch(`${trail.panel("billing")}/admin/`, { redirect: "manual" });
  await expect(list.row("/admin/")).toHaveCount(1);
  await context.close();
});

test("when the server is gone, the old rows stay and the page says since when; then it recovers", async ({ browser, server }) => {
  const { trail, context, page, list } = await watching(browser, await server());
  await expect(list.rows).toHaveCount(30);
  await trail.program.kill();
  await expect(page.locator("[data-stale]")).toHaveText(/Could not refresh; showing \d\d:\d\d/, { timeout: 9_000 });
  await expect(list.rows).toHaveCount(30);
  await picture(page, "could-not-refresh-light");
  await trail.again();
  await trail.take("past", [{ time: ago(0), method: "GET", path: "/back-again", status: 200 }]);
  await expect(list.row("/back-again")).toHaveCount(1, { timeout: 15_000 });
  await expect(page.locator("[data-stale]")).toBeHidden();
  await context.close();
});

test("Live says in words that the server is gone, and recovers", async ({ browser, server }) => {
  const { trail, context, page, list } = await watching(browser, await server());
  await list.refresh("Live");
  await expect(page.locator("[data-refresh-label]")).toHaveText("Live");
  await trail.program.kill();
  await expect(page.locator("[data-stale]")).toHaveText(/^Not live: no answer since \d\d:\d\d:\d\d, trying again\.$/, { timeout: 9_000 });
  await expect(page.locator("[data-refresh-label]")).toHaveText("Not live");
  await expect(list.rows).toHaveCount(30);
  await trail.again();
  await expect(page.locator("[data-stale]")).toBeHidden({ timeout: 20_000 });
  await expect(page.locator("[data-refresh-label]")).toHaveText("Live", { timeout: 20_000 });
  await context.close();
});

test("an unreachable panel gets a page that names it, and the request is on record", async ({ browser, server }) => {
  const trail = await server({
    panels: [{ name: "billing", upstream: "http://127.0.0.1:9", preset: "generic" }],
  });
  await addOwner(trail);
  const visitor = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const page = await visitor.newPage();
  const answer = await page.goto(`${trail.panel("billing")}/invoices?page=2`);
  expect(answer?.status()).toBe(502);
  await expect(page.locator("body")).toContainText("billing");
  await visitor.close();
  const context = await browser.newContext({ storageState: await signedIn(browser, trail) });
  const list = new AdminSessions(await context.newPage(), trail.url);
  await list.open({ q: "panel:billing" });
  await expect(list.row("/invoices?page=2")).toContainText("502");
  await context.close();
});

test("when nothing can be recorded, changes are refused, reading goes on, and the page says since when", async ({ browser, server }) => {
  const trail = await server({ largestFile: 3 * 1024 });
  await addOwner(trail);
  const token = await trail.token("filler", "ingest");
  const context = await browser.newContext({ storageState: await signedIn(browser, trail) });
  const page = await context.newPage();
  const complaints: string[] = [];
  watch(page, complaints);
  const list = new AdminSessions(page, trail.url);
  await fetch(`${trail.panel("billing")}/admin/login/`);
  await list.open({ q: "panel:billing" });
  await expect(list.rows).not.toHaveCount(0);
  // Until the largest file takes not even one event more.
  const batch = manyRequests(500, 1).map((event) => ({ ...event, panel: "filler", object: "x".repeat(500) }));
  for (let size = batch.length, sent = 0; size >= 1 && sent < 400; sent += 1) {
    const answer = await fetch(`${trail.url}/api/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(batch.slice(0, size)),
    });
    if (!answer.ok) expect(answer.status).toBe(503);
    if (!answer.ok) size = Math.floor(size / 2);
  }
  const change = () => fetch(`${trail.panel("billing")}/admin/logout/`, { method: "POST", redirect: "manual" });
  await expect.poll(async () => (await change()).status, { timeout: 10_000 }).toBe(503);
  const answer = await change();
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(await answer.text()).toMatch(/Change not made/);
  expect((await fetch(`${trail.panel("billing")}/admin/login/`)).status).toBe(200);
  const notice = page.getByRole("alert").filter({ hasText: "Recording stopped" });
  await expect(notice).toContainText(/Recording stopped \d\d:\d\d; rows are complete until then/, { timeout: 9_000 });
  await expect(list.rows).not.toHaveCount(0);
  expect((await fetch(`${trail.url}/readyz`)).status).toBe(503);
  await picture(page, "recording-stopped-light");

  await trail.makeRoom();
  await expect.poll(async () => (await change()).status, { timeout: 15_000 }).not.toBe(503);
  await expect(notice).toBeHidden({ timeout: 15_000 });
  // What passed and what was refused meanwhile is on record all the same.
  await list.open({ q: "panel:billing method:GET path:/admin/login/" });
  await expect(list.rows).toHaveCount(2);
  await list.open({ q: "panel:billing method:POST status:503" });
  await expect(list.rows).not.toHaveCount(0);
  await context.close();
});
