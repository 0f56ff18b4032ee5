/** Automatic refresh, its countdown and pauses, and Live. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

test("with refresh at 5 s a new request appears by itself, and a countdown says when", async ({ own: page, stack, atPanel }) => {
  const list = new AdminSessions(page, stack.trail.url);
  const panel = await atPanel("198.18.1.1");
  await list.open({ q: "ip:198.18.1.1 -is:asset" });
  await expect(page.locator("[data-refresh-label]")).toHaveText("5 s");
  await expect(list.rows).toHaveCount(0);
  await expect(page.locator("[data-ring]")).toBeVisible();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await panel.goto("/admin/login/?appears");
  await expect(list.row("appears")).toHaveCount(1);
  expect(await page.evaluate(() => "sameDocument" in window)).toBe(true);
});

test("the page's own refreshes are recorded as background refreshes of the viewer", async ({ page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "own-refreshes" });
  const seen = "panel:admintrail query:own-refreshes path:/monitoring/";
  const [first] = await stack.api.until(`${seen} is:polling`, 1, 9_000);
  expect(first).toMatchObject({ admin: "marek@hosting.example", type: "WEB", method: "GET", polling: true, status: 200 });
  const opened = (await stack.api.events(`${seen} -is:polling`)).events;
  expect(opened).toHaveLength(1);
  expect(opened[0]).toMatchObject({ admin: "marek@hosting.example", polling: false });
});

test("Live shows a new request within 2 s", async ({ own: page, stack, atPanel }) => {
  const list = new AdminSessions(page, stack.trail.url);
  const panel = await atPanel("198.18.1.2");
  await list.open({ q: "ip:198.18.1.2 -is:asset" });
  await list.refresh("Live");
  await panel.goto("/admin/login/?first");
  await expect(list.row("?first")).toHaveCount(1);
  await panel.goto("/admin/login/?second");
  await expect(list.row("?second")).toHaveCount(1, { timeout: 2_000 });
  // The newest is on top, and the filter holds for what arrives.
  expect((await list.urls())[0]).toContain("?second");
  const other = await atPanel("198.18.1.3");
  await other.goto("/admin/login/?elsewhere");
  await panel.goto("/admin/login/?third");
  await expect(list.row("?third")).toHaveCount(1);
  await expect(list.row("?elsewhere")).toHaveCount(0);
});

test("off page 1 no row moves: the page says how many are new", async ({ own: page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await stack.trail.take("paused", manyRequests(60, 1));
  await list.open({ q: "panel:paused", limit: "25" });
  await page.getByRole("link", { name: "Older" }).click();
  await expect(list.pager).toContainText("26–50 of 60");
  const before = await list.urls();
  await stack.trail.take("paused", manyRequests(12, 0.01).map((event) => ({ ...event, query: "late=1" })));
  await expect(page.locator("[data-new]")).toContainText("12 new", { timeout: 9_000 });
  expect(await list.urls()).toEqual(before);
  await page.locator("[data-new]").getByRole("link").click();
  await expect(list.pager).toContainText("1–25 of 72");
});

test("Off means off: nothing is asked for", async ({ own: page, stack, atPanel }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await page.clock.install();
  await list.open({ q: "ip:198.18.1.4" });
  await list.refresh("Off");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const panel = await atPanel("198.18.1.4");
  await panel.goto("/admin/login/");
  await stack.api.until("ip:198.18.1.4", 1);
  await page.clock.runFor(120_000);
  expect(asked).toEqual([]);
  await expect(page.locator("[data-ring]")).toBeHidden();
});

test("the choice is kept: the page comes back with it", async ({ own: page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open();
  await list.refresh("Every 30 s");
  await list.open();
  await expect(page.locator("[data-refresh-label]")).toHaveText("30 s");
});

test("a hidden tab does not ask, and asks at once when it is seen again", async ({ own: page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await page.clock.install();
  await list.open({ q: "panel:hidden-tab" });
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.clock.runFor(60_000);
  expect(asked).toEqual([]);
  const again = page.waitForRequest(/refresh=auto/);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.clock.runFor(6_000);
  await again;
});
