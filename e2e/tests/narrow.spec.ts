/** On a telephone: a bar for the navigation, cards for rows, a drawer over everything. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { expect, test } from "../stack/test.ts";

test.use({ hasTouch: true });

test("rows are cards of two lines, the navigation is a bar, and the drawer takes the whole width", async ({ page, stack, day: _ }) => {
  await page.setViewportSize({ width: 375, height: 812 });
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:django" });
  const row = list.row("Deleted user");
  const card = await row.boundingBox();
  expect(card?.width).toBeGreaterThan(300);
  expect(card?.height).toBeGreaterThan(44);
  expect(card?.height).toBeLessThan(120);
  for (const text of ["tom", "POST", "302", "Deleted user"]) await expect(row).toContainText(text);
  const tops = new Set(
    await row.locator("td:visible").evaluateAll((cells) => cells.map((cell) => Math.round(cell.getBoundingClientRect().top / 12))),
  );
  expect(tops.size).toBeGreaterThanOrEqual(2);
  const bar = await page.getByRole("banner").boundingBox();
  expect(bar?.width).toBe(375);
  expect(bar?.height).toBeLessThan(140);
  await list.openRow(row);
  const drawer = await list.drawer.boundingBox();
  expect(drawer?.width).toBeGreaterThanOrEqual(340);
  await list.drawer.getByRole("link", { name: /^Close/ }).click();
  await expect(list.drawer).toBeHidden();
});

test("filter, pages and menus work by touch", async ({ page, stack, day: _ }) => {
  await page.setViewportSize({ width: 375, height: 812 });
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ limit: "25" });
  await list.search("panel:django outcome:denied");
  await expect(list.row("Denied")).not.toHaveCount(0);
  await list.menu("range");
  const box = await page.locator("details[data-menu=range] .menu-box").boundingBox();
  expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 999) <= 375).toBe(true);
  await page.getByRole("link", { name: "Last hour" }).click();
  await expect(page).toHaveURL(/from=-1h/);
});
