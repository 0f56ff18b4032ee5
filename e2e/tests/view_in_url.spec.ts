/** The view is in the address: it can be kept, shared and gone back to. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

test.describe("the view in the address", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("address", manyRequests(120, 10));
  });

  test("a reload shows the same rows, page, order and drawer", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ limit: "25", order: "asc" });
    await list.search("panel:address type:api");
    await page.getByRole("link", { name: "Newer" }).click();
    await expect(list.pager).toContainText("26–50 of 60");
    await list.openRow(list.rows.nth(3));
    const urls = await list.urls();
    await page.reload();
    await expect(list.drawer).toBeVisible();
    expect(await list.urls()).toEqual(urls);
    await expect(list.box).toHaveValue("panel:address type:api");
    await expect(page.getByRole("columnheader", { name: /Date/ })).toHaveAttribute("aria-sort", "ascending");
  });

  test("the back button undoes one step at a time, and forward does it again", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:address" });
    await expect(list.pager).toContainText("of 120");
    await list.search("panel:address method:PUT");
    await expect(list.pager).toContainText("of 20");
    await list.search("panel:address method:PUT admin:nobody");
    await expect(page.getByText("Nothing matches.")).toBeVisible();
    await page.goBack();
    await expect(list.pager).toContainText("of 20");
    await expect(list.box).toHaveValue("panel:address method:PUT");
    await page.goBack();
    await expect(list.pager).toContainText("of 120");
    await page.goForward();
    await expect(list.pager).toContainText("of 20");
  });

  test("a shared link freezes the time and shows somebody else the same rows", async ({ own: page, stack, page: other }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await page.goto(`${stack.trail.url}/settings/account`);
    await page.locator("[name=identities]").fill("olena@hosting.example");
    await page.locator("form:has([name=identities])").getByRole("button").click();
    await list.open({ q: "panel:address", hide_me: "1", from: "-24h" });
    await expect(list.pager).toContainText("of 80");
    await list.menu("share");
    const link = await page.locator("[data-share]").inputValue();
    const url = new URL(link, stack.trail.url);
    expect(url.searchParams.get("from")).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(url.searchParams.get("to")).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(url.searchParams.get("q")).toContain("-admin:olena@hosting.example");
    await other.goto(url.href);
    const theirs = new AdminSessions(other, stack.trail.url);
    await expect(theirs.pager).toContainText("of 80");
    expect(await theirs.urls()).toEqual(await list.urls());
  });

  test("without a sign-in the link leads to the sign-in page and then to the view", async ({ browser, stack }) => {
    const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
    const page = await context.newPage();
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:address method:PUT" });
    await expect(page).toHaveURL(/\/login\?next=/);
    await page.getByLabel("E-mail").fill("marek@hosting.example");
    await page.getByLabel("Password", { exact: true }).fill("trail-owner-2026!");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(list.box).toHaveValue("panel:address method:PUT");
    await expect(list.pager).toContainText("of 20");
    await context.close();
  });
});
