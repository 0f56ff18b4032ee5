/** The other tabs: Sessions, Admins, IP addresses; and the dashboard. */

import { AdminSessions, PATH } from "../pages/admin_sessions.ts";
import { ADDRESS, expect, test } from "../stack/test.ts";

test.describe("overviews of a day", () => {
  test("Sessions shows admin, start, last seen, duration, requests, changes, denied and addresses", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django" });
    await page.getByRole("navigation", { name: "Admin Sessions" }).getByRole("link", { name: "Sessions" }).click();
    await expect(page).toHaveURL(/\/sessions/);
    for (const name of ["Admin", "Start", "Last seen", "Duration", "Requests", "Changes", "Denied", "IP addresses"]) {
      await expect(page.getByRole("columnheader", { name, exact: true })).toBeVisible();
    }
    const tom = page.locator("tr[data-session]").filter({ hasText: "tom" }).filter({ hasText: ADDRESS.tom });
    await expect(tom).toHaveCount(1);
    const ines = page.locator("tr[data-session]").filter({ hasText: "ines" }).filter({ hasText: ADDRESS.ines });
    await expect(ines).toHaveCount(1);
    await tom.getByRole("link").first().click();
    await expect(page.getByText("Deleted user").first()).toBeVisible();
  });

  test("who is active now is said, and who signed out is not active", async ({ page, stack, atPanel }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const panel = await atPanel("198.18.2.1");
    await panel.signIn("ines");
    await stack.api.until("ip:198.18.2.1 admin:ines", 1);
    await list.open();
    await expect(page.locator("[data-active]")).toContainText(/\d+ admins? active now/);
    await list.open({}, `${PATH}/sessions`);
    const row = page.locator("tr[data-session]").filter({ hasText: "198.18.2.1" });
    await expect(row.locator("[data-active-now]")).toHaveText("active now");
    await panel.goto("/admin/");
    await panel.signOut();
    await stack.api.until('ip:198.18.2.1 action:"signed out"', 1);
    await page.reload();
    await expect(row).toHaveCount(1);
    await expect(row.locator("[data-active-now]")).toHaveCount(0);
  });

  test("Admins and IP addresses count requests, changes and denied ones, and lead to them", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:django" });
    const tabs = page.getByRole("navigation", { name: "Admin Sessions" });
    await tabs.getByRole("link", { name: "Admins" }).click();
    const ines = page.locator("tr[data-group]").filter({ hasText: "ines" });
    await expect(ines).toHaveCount(1);
    await ines.getByRole("link").first().click();
    await expect(list.box).toHaveValue(/admin:ines/);
    await expect(list.row("Signed in")).not.toHaveCount(0);
    await list.open({ q: "panel:django" });
    await tabs.getByRole("link", { name: "IP addresses" }).click();
    const stranger = page.locator("tr[data-group]").filter({ hasText: ADDRESS.stranger });
    await expect(stranger).toHaveCount(1);
    await stranger.getByRole("link").first().click();
    await expect(list.box).toHaveValue(new RegExp(`ip:${ADDRESS.stranger.replaceAll(".", "\\.")}`));
    await expect(list.row("Failed sign-in as root")).toHaveCount(1);
  });

  test("the dashboard says who is active, what was denied, and how the recorders are", async ({ page, stack, day: _ }) => {
    await page.goto(stack.trail.url);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const main = page.getByRole("main");
    await expect(main).toContainText(/active now/i);
    await expect(main).toContainText(/denied/i);
    await expect(main).toContainText("django");
  });
});
