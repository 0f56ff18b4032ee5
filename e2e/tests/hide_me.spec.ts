/** Hide me. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { ago } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

const OLENA = { admin: "olena@hosting.example", admin_name: "Olena Kravets" };

test.describe("Hide me", () => {
  test.beforeAll(async ({ stack }) => {
    const request = { method: "GET", status: 200 };
    await stack.trail.take("hiding", [
      { ...request, time: ago(9), path: "/mine/1", ...OLENA },
      { ...request, time: ago(8), path: "/mine/2", admin: "OLENA@hosting.example" },
      { ...request, time: ago(7), path: "/toms", admin: "tom@hosting.example" },
      { ...request, time: ago(6), path: "/nobodys" },
      { method: "POST", status: 401, time: ago(5), path: "/login", known_by: "attempt", attempted: OLENA.admin, action: `Failed sign-in as ${OLENA.admin}` },
    ]);
  });

  test("hides the viewer's own requests, says how many, and never hides attempts or the unknown", async ({ own: page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await page.goto(`${stack.trail.url}/settings/account`);
    await page.getByLabel(/identities/i).fill("olena@hosting.example");
    await page.getByRole("button", { name: /Save/ }).and(page.locator("form:has([name=identities]) button")).click();
    await list.open({ q: "panel:hiding" });
    await expect(list.rows).toHaveCount(5);
    await list.hideMe.click();
    await expect(list.rows).toHaveCount(3);
    expect(await list.paths()).toEqual(["/login", "/nobodys", "/toms"]);
    await expect(page.getByText("2 hidden")).toBeVisible();

    // It stays on: in a view opened anew, and in another tab.
    await list.open({ q: "panel:hiding" });
    await expect(list.rows).toHaveCount(3);
    await list.hideMe.click();
    await expect(list.rows).toHaveCount(5);
    await expect(page.getByText("2 hidden")).toBeHidden();
  });

  test("without an identity it says where to list one", async ({ own: page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:hiding" });
    await list.hideMe.click();
    await expect(list.rows).toHaveCount(5);
    await expect(page.getByRole("link", { name: "Who are you?" })).toBeVisible();
  });
});
