/** Who tried to get in, what was done in a session, what touched an object, and the end of a session. */

import { AdminSessions, PATH } from "../pages/admin_sessions.ts";
import { ago } from "../stack/data.ts";
import { PASSWORD_TYPED_AS_NAME } from "../stack/day.ts";
import { ADDRESS, DESK, expect, test } from "../stack/test.ts";

test.describe("attempts to get in", () => {
  test("are summed up by address and by tried name, and never show what was typed by mistake", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django" }, `${PATH}/ip-addresses`);
    const byAddress = page.locator('table[data-table="attempts-ip"]');
    const stranger = byAddress.locator("tr[data-attempt]").filter({ hasText: ADDRESS.stranger });
    await expect(stranger.locator('td[data-col="succeeded"]')).toHaveText("never");
    await expect(stranger.locator('td[data-col="others"]')).toContainText("root");
    const byName = page.locator('table[data-table="attempts-name"]');
    await expect(byName).toContainText("unknown name (18 characters)");
    await expect(page.locator("body")).not.toContainText(PASSWORD_TYPED_AS_NAME);
    await byName.getByRole("link", { name: "root", exact: true }).click();
    await expect(list.box).toHaveValue(/attempted:root/);
    await expect(list.row("Failed sign-in as root")).not.toHaveCount(0);
  });

  test("that end in a success stand out", async ({ page, stack, atPanel }) => {
    const panel = await atPanel("198.18.7.7");
    for (let at = 0; at < 6; at += 1) await panel.trySignIn("ines", `wrong-${at}`);
    await panel.signIn("ines");
    await stack.api.until("ip:198.18.7.7 admin:ines", 1);
    await new AdminSessions(page, stack.trail.url).open({ q: "panel:django ip:198.18.7.7" }, `${PATH}/ip-addresses`);
    const row = page.locator('table[data-table="attempts-ip"] tr.is-alarming');
    await expect(row).toContainText("after 6 tries");
    await expect(row).toContainText("ines");
    await row.locator('td[data-col="succeeded"]').getByRole("link").click();
    await expect(page.getByText("Signed in").first()).toBeVisible();
  });
});

test("a session is told as a timeline: equal requests as one, pauses and changes between", async ({ page, stack }) => {
  const session = "4b".repeat(16);
  const base = { admin: "olena", session, ip: "198.51.100.7", status: 200, type: "WEB", method: "GET" };
  await stack.trail.take("told", [
    ...Array.from({ length: 7 }, (_, at) => ({
      ...base,
      time: ago(60 - at / 60),
      path: "/clients",
      query: `page=${at}`,
      action: "Listed clients",
    })),
    { ...base, time: ago(40), method: "POST", path: "/client/5829/notes", action: "Created note", object: "client/5829/note/9" },
    { ...base, time: ago(39), method: "DELETE", path: "/client/5829", action: "Denied: delete client 5829", status: 403, outcome: "denied", object: "client/5829" },
    { ...base, time: ago(38), path: "/client/58290", action: "Viewed client 58290", object: "client/58290" },
  ]);
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:told" }, `${PATH}/sessions`);
  await page.locator("tr[data-session]").getByRole("link").first().click();
  await expect(page).toHaveURL(new RegExp(`/sessions/told/${session}$`));
  await expect(page.locator("[data-step]")).toHaveCount(4);
  await expect(page.locator(".step-pause")).toHaveText(/^(19|20) min pause$/);
  await expect(page.locator(".step-change")).toContainText("Created note");
  await expect(page.locator(".step-denied")).toContainText("Denied");
  await page.getByText("7 times until").click();
  await expect(page.locator(".step-more").getByText("?page=6")).toBeVisible();

  // Everything that touched the client, and what is below it; not another of a longer number.
  await page.locator(".step-change").getByRole("link", { name: "client/5829", exact: true }).click();
  await expect(list.box).toHaveValue("object:client/5829");
  await expect(list.row("Created note")).toHaveCount(1);
  await expect(list.row("Denied: delete client 5829")).toHaveCount(1);
  await expect(list.row("58290")).toHaveCount(0);
  await list.openRow(list.row("Created note"));
  await expect(list.drawer.locator("[data-object]")).toHaveText(["client/5829", "/note/9"]);
  await list.drawer.getByRole("link", { name: "/note/9" }).click();
  await expect(list.box).toHaveValue("object:client/5829/note/9");
});

test("what an admin does for the first time is said in words, and a click shows all of it", async ({ page, stack, day: _ }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:django admin:olena" });
  await list.rows.getByRole("link", { name: "new IP" }).first().click();
  await expect(list.box).toHaveValue("panel:django admin:olena first:ip");
  await expect(list.rows).not.toHaveCount(0);
  await list.openRow(list.rows.first());
  await expect(list.drawer.locator(".firsts")).toContainText("new IP");
});

test("an owner ends a session without JavaScript: refused at once, and the page says who did it", async ({ browser, stack, atPanel }) => {
  const panel = await atPanel("198.18.7.8");
  await panel.signIn("tom");
  const events = await stack.api.until("ip:198.18.7.8 admin:tom", 1);
  const session = events[0]?.session ?? "";
  const context = await browser.newContext({ ...DESK, javaScriptEnabled: false, storageState: stack.owner });
  const page = await context.newPage();
  await page.goto(`${stack.trail.url}${PATH}/sessions/django/${session}`);
  const confirm = page.getByRole("button", { name: "End this session" });
  await expect(confirm).toBeHidden();
  await page.locator("summary", { hasText: "End session" }).click();
  await confirm.click();
  await expect(page.locator("[data-session-state]")).toHaveText(/^ended by marek@hosting\.example \d\d:\d\d$/);
  await expect(page.getByText("End session")).toHaveCount(0);
  await page.goto(`${stack.trail.url}${PATH}/sessions?q=panel:django`);
  const row = page.locator(`tr[data-session="${session.slice(0, 8)}"]`);
  await expect(row.locator("[data-ended]")).toHaveText("ended");
  await expect(row.locator("[data-active-now]")).toHaveCount(0);
  await context.close();

  const answer = await panel.page.request.get(`${panel.url}/admin/auth/user/`, { maxRedirects: 0 });
  expect(answer.status()).toBe(401);
  const own = await stack.api.until(`panel:admintrail object:session/${session} method:POST`, 1);
  expect(own[0]?.action).toBe("Ended session");
});

test("the question in the drawer stays open while the page refreshes", async ({ page, stack, atPanel }) => {
  const panel = await atPanel("198.18.7.9");
  await panel.signIn("olena");
  await stack.api.until("ip:198.18.7.9 admin:olena", 1);
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:django ip:198.18.7.9" });
  await list.openRow(list.row("Signed in"));
  await list.drawer.locator("summary", { hasText: "End session" }).click();
  const refreshed = page.waitForResponse((response) => response.url().includes("refresh=auto"));
  await refreshed;
  await page.waitForTimeout(300);
  await expect(list.drawer.getByRole("button", { name: "End this session" })).toBeVisible();
});

test.describe("hints", () => {
  test.setTimeout(120_000);
test("a proxy that hides every address is asked about, with the line to copy", async ({ page, stack }) => {
  for (let at = 0; at < 55; at += 1) await fetch(`${stack.trail.panel("bare")}/admin/login/?n=${at}`);
  await stack.api.until("panel:bare path:/admin/login", 50);
  const list = new AdminSessions(page, stack.trail.url);
  await expect(async () => {
    await list.open({ q: "panel:bare" });
    await expect(page.locator("[data-hint]").filter({ hasText: "Trust this proxy?" })).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 80_000, intervals: [2_000] });
  const hint = page.locator("[data-hint]").filter({ hasText: "Trust this proxy?" });
  await expect(hint).toContainText("requests to bare came from 127.0.0.1");
  await expect(hint.locator("code")).toHaveText('trusted_proxies = ["127.0.0.1/32"]');
  await expect(hint).not.toContainText("django");
});
});
