/** The list shows each row of the day at the panel as it happened. */

import { AdminSessions, COLUMNS } from "../pages/admin_sessions.ts";
import { PASSWORD_TYPED_AS_NAME } from "../stack/day.ts";
import { ADDRESS, expect, picture, test } from "../stack/test.ts";

test.describe("Admin Sessions", () => {
  test("has the columns that were asked for, in their order", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django" });
    const headings = await page.locator("table.requests thead th").allTextContents();
    expect(headings.map((text) => text.trim().replace(/\s*[↑↓]$/, ""))).toEqual([...COLUMNS]);
    await expect(page.getByRole("heading", { level: 1, name: "Admin Sessions" })).toBeVisible();
  });

  test("shows what each admin did, from where, and what came of it", async ({ page, stack, day }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const rows = async (q: string) => {
      await list.open({ q: `panel:django ${q}` });
      await expect(list.rows).not.toHaveCount(0);
      return list.read();
    };
    const [edit] = await rows(`path:/user/${day.edited}/change/ method:POST`);
    expect(edit).toMatchObject({ "IP address": expect.stringContaining(ADDRESS.olena), Type: "WEB", Method: "POST" });
    expect(edit?.Admin).toContain("olena");
    expect(edit?.["Action and URL"]).toMatch(new RegExp(`^Changed user.*/admin/auth/user/${day.edited}/change/`));
    expect(edit?.Status).toContain("302");
    expect(edit?.Session).toMatch(/^[0-9a-f]{8}$/);
    expect(edit?.Duration).toMatch(/^[\d.,]+ (µs|ms|s)$/);

    const [remove] = await rows(`path:/user/${day.deleted}/delete/ method:POST`);
    expect(remove?.Admin).toContain("tom");
    expect(remove?.["IP address"]).toContain(ADDRESS.tom);
    expect(remove?.["Action and URL"]).toMatch(/^Deleted user/);

    const [forbidden] = await rows(`ip:${ADDRESS.ines} status:403`);
    expect(forbidden?.Admin).toContain("ines");
    expect(forbidden?.Status).toMatch(/403.*denied/i);
    expect(forbidden?.["Action and URL"]).toMatch(/^Denied: /);

    const tries = await rows(`ip:${ADDRESS.stranger} known_by:attempt`);
    expect(tries.map((row) => row.Admin)).toEqual(Array(3).fill(expect.stringContaining("Unknown")));
    expect(tries.at(-1)?.["Action and URL"]).toMatch(/^Failed sign-in as olena/);
    expect(tries.at(-2)?.["Action and URL"]).toMatch(/^Failed sign-in as root/);
    expect(tries.at(-3)?.["Action and URL"]).toMatch(/^Failed sign-in as unknown name \(18 characters\)/);
    expect(await page.content()).not.toContain(PASSWORD_TYPED_AS_NAME);

    const [visitor] = await rows(`ip:${ADDRESS.stranger} path:/admin/auth/user/`);
    expect(visitor?.["Action and URL"]).toMatch(/^Sent to sign-in/);
    expect(visitor?.Status).toMatch(/302.*denied/i);
    const [out] = await rows(`ip:${ADDRESS.olena} path:/admin/logout/`);
    expect(out?.["Action and URL"]).toMatch(/^Signed out/);
    expect(out?.Admin).toContain("olena");
  });

  test("is newest first, with the date and time of the viewer's zone", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django", limit: "500" });
    const times = await list.rows.locator("time").evaluateAll((times) => times.map((time) => time.getAttribute("datetime") ?? ""));
    expect(times.length).toBeGreaterThan(10);
    expect(times).toEqual([...times].sort().reverse());
    const newest = new Date(times[0] ?? "");
    const shown = (await list.rows.first().locator("time").textContent()) ?? "";
    expect(shown).toContain(newest.toLocaleTimeString("en-GB", { timeZone: "Europe/Warsaw" }));
    expect(shown).toMatch(/^\d{1,2} [A-Z][a-z]{2} /);
  });

  test("marks a request from an address that is new for its admin", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django admin:tom is:first", order: "asc" });
    await expect(list.rows.first().locator('[data-first="first:ip"]')).toHaveText("new IP");
  });

  test("is drawn light, dark and narrow", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django" });
    await expect(list.rows).not.toHaveCount(0);
    await picture(page, "requests-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "requests-dark");
  });
});
