/** Everything but what is live works in a browser that runs no scripts. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { addOwner, DESK, expect, OWNER, test } from "../stack/test.ts";

test("without JavaScript: sign in, filter, page, open a row, hide me, export, sign out", async ({ browser, stack, day: _ }) => {
  const account = { ...OWNER, email: "no-script@hosting.example" };
  await addOwner(stack.trail, account);
  await stack.trail.take("plain", manyRequests(60, 1));
  const context = await browser.newContext({ ...DESK, javaScriptEnabled: false, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:plain", limit: "25" });
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(list.rows).toHaveCount(25);
  // The page asks again by itself; that is all that is live without a script.
  await expect(page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]')).toHaveCount(1);

  await list.search("panel:plain method:PUT");
  await expect(page.locator("[data-span]")).toContainText("of 10");
  await page.getByRole("link", { name: "Remove method: PUT" }).click();
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.locator("[data-span]")).toContainText("26–50 of 60");
  await page.getByRole("link", { name: "First" }).click();
  await page.locator("th a[data-sort]").click();
  await expect(page.locator("th[aria-sort=ascending]")).toHaveCount(1);

  await list.openRow(list.rows.nth(2));
  await list.drawer.getByRole("link", { name: /^Close/ }).click();
  await expect(list.drawer).toBeHidden();

  await list.menu("range");
  await page.getByRole("link", { name: "Last 15 minutes" }).click();
  await expect(page).toHaveURL(/from=-15m/);
  await list.hideMe.click();
  await expect(list.hideMe).toHaveAttribute("aria-checked", "true");
  await list.menu("refresh");
  await page.getByRole("button", { name: "Off", exact: true }).click();
  await expect(page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]')).toHaveCount(0);
  await list.menu("export");
  const coming = page.waitForEvent("download");
  await page.locator("[data-export=csv]").click();
  expect((await coming).suggestedFilename()).toMatch(/\.csv$/);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await context.close();
});
