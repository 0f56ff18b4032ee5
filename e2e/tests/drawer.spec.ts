/** The drawer: everything that is known of one request. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { ADDRESS, expect, picture, test } from "../stack/test.ts";

test.describe("the drawer", () => {
  test("shows every field of the request", async ({ page, stack, day }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const path = `/admin/auth/user/${day.edited}/change/`;
    const [event] = (await stack.api.events(`panel:django method:POST path:${path}`)).events;
    if (event === undefined) throw new Error(`no change of ${path}`);
    await list.open({ q: `panel:django method:POST path:${path}` });
    await list.openRow(list.row(path));
    await expect(list.drawer).toBeVisible();
    await expect(list.drawer.getByRole("heading").first()).toHaveText(event.action);
    const shown = (await list.drawer.innerText()).replaceAll(/\s+/g, " ");
    const whole = `http://${event.host}${path}`;
    const local = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Warsaw", timeStyle: "medium" });
    for (const part of [
      "olena",
      ADDRESS.olena,
      whole,
      "WEB",
      "POST",
      "302",
      "success",
      local.format(new Date(event.time)),
      "Chrome",
      (event.session ?? "").slice(0, 8),
      event.route ?? "",
      event.object ?? "",
      event.id,
      "django",
    ]) {
      expect(shown.replaceAll(" ", "").toLowerCase(), part).toContain(part.replaceAll(" ", "").toLowerCase());
    }
    await expect(page).toHaveURL(new RegExp(`event=${event.id}`));
  });

  test("moves to the next and the previous row, and closes", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: `panel:django ip:${ADDRESS.tom}` });
    const first = await list.rows.nth(0).locator(".sentence").innerText();
    const second = await list.rows.nth(1).locator(".sentence").innerText();
    await list.openRow(list.rows.nth(0));
    const heading = list.drawer.getByRole("heading").first();
    await expect(heading).toHaveText(first);
    await list.drawer.getByRole("link", { name: "Next row" }).click();
    await expect(heading).toHaveText(second);
    await list.drawer.getByRole("link", { name: "Previous row" }).click();
    await expect(heading).toHaveText(first);
    await list.drawer.getByRole("link", { name: /^Close/ }).click();
    await expect(list.drawer).toBeHidden();
    await expect(page).not.toHaveURL(/event=/);
  });

  test("leads to the session, the address and the time around it", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const open = async () => {
      await list.open({ q: `panel:django ip:${ADDRESS.ines} status:403` });
      await list.openRow(list.rows.first());
      await expect(list.drawer).toBeVisible();
    };
    await open();
    await list.drawer.getByRole("link", { name: "Same IP address" }).click();
    await expect(list.box).toHaveValue(`ip:${ADDRESS.ines}`);
    await expect(list.row("Signed in")).toHaveCount(1);
    await open();
    await list.drawer.getByRole("link", { name: "Around this time" }).click();
    await expect(list.box).toHaveValue("");
    await expect(list.row("Denied")).not.toHaveCount(0);
    await open();
    await list.drawer.getByRole("link", { name: "Timeline" }).click();
    await expect(page.getByText("Signed in").first()).toBeVisible();
  });

  test("offers the event as JSON, the same as the API", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: `panel:django ip:${ADDRESS.ines} status:403` });
    await list.openRow(list.rows.first());
    await list.drawer.locator("summary", { hasText: "JSON" }).click();
    const json = JSON.parse((await list.drawer.locator("#drawer-json").textContent()) ?? "");
    const [event] = (await stack.api.events(`panel:django ip:${ADDRESS.ines} status:403`)).events;
    expect(json).toEqual(event);
  });

  test("is drawn beside the list, light and dark", async ({ page, stack, day: _ }) => {
    const list = new AdminSessions(page, stack.trail.url);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await list.open({ q: "panel:django" });
      await list.openRow(list.row("Deleted user"));
      await expect(list.drawer).toBeVisible();
      await picture(page, `requests-drawer-${colorScheme}`);
    }
  });
});
