/** The keyboard: every key, and the setting that turns them off. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

test.describe("the keyboard", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("keys", manyRequests(60, 1));
  });

  test("/ searches, j and k move, Enter opens, Esc closes", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:keys" });
    await page.keyboard.press("/");
    await expect(list.box).toBeFocused();
    await expect(list.box).toHaveValue("panel:keys");
    await page.keyboard.press("Escape");
    await expect(list.box).not.toBeFocused();
    const sentence = (at: number) => list.rows.nth(at).locator(".sentence").textContent();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await expect(list.drawer).toBeVisible();
    await expect(list.rows.nth(1)).toHaveAttribute("aria-current", "true");
    await expect(list.drawer.getByRole("heading").first()).toHaveText((await sentence(1)) ?? "");
    // With the drawer open, j takes it along.
    await page.keyboard.press("j");
    await expect(list.rows.nth(2)).toHaveAttribute("aria-current", "true");
    await page.keyboard.press("Escape");
    await expect(list.drawer).toBeHidden();
  });

  test("f and x show only, or leave out, the value under the cursor", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:keys" });
    await page.keyboard.press("j");
    // To the column Method.
    for (let at = 0; at < 4; at += 1) await page.keyboard.press("ArrowRight");
    const method = ((await list.rows.nth(0).locator("[data-col=method]").textContent()) ?? "").trim();
    await page.keyboard.press("f");
    await expect(list.box).toHaveValue(`panel:keys method:${method}`);
    await expect(list.span).toContainText("of 30");
    await page.goBack();
    await expect(list.span).toContainText("of 60");
    await page.keyboard.press("j");
    for (let at = 0; at < 4; at += 1) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("x");
    await expect(list.box).toHaveValue(`panel:keys -method:${method}`);
    await expect(list.span).toContainText("of 30");
  });

  test("l turns Live on and off, h Hide me", async ({ own: page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:keys" });
    const label = page.locator("[data-refresh-label]");
    await page.keyboard.press("l");
    await expect(label).toHaveText("Live");
    await page.keyboard.press("l");
    await expect(label).not.toHaveText("Live");
    await page.keyboard.press("h");
    await expect(list.hideMe).toHaveAttribute("aria-checked", "true");
    await page.keyboard.press("h");
    await expect(list.hideMe).toHaveAttribute("aria-checked", "false");
  });

  test("? shows the keys", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:keys" });
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard" });
    await expect(help).toBeVisible();
    for (const key of ["/", "j", "k", "Enter", "Esc", "f", "x", "l", "h", "?"]) {
      await expect(help.locator("kbd").getByText(key, { exact: true })).not.toHaveCount(0);
    }
    await page.keyboard.press("Escape");
    await expect(help).toBeHidden();
  });

  test("letters typed into a field are text", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:keys" });
    await list.box.click();
    await list.box.press("End");
    await page.keyboard.type(" hjkl?");
    await expect(list.box).toHaveValue("panel:keys hjkl?");
    await expect(list.hideMe).toHaveAttribute("aria-checked", "false");
    await expect(page.getByRole("dialog")).toBeHidden();
  });

  test("a setting turns the keys off", async ({ own: page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await page.goto(`${stack.trail.url}/settings/account`);
    await page.getByRole("checkbox", { name: /keyboard|keys/i }).uncheck();
    await page.locator("form:has([name=keyboard])").getByRole("button", { name: /Save/ }).click();
    await list.open({ q: "panel:keys" });
    await expect(page.locator("html")).toHaveAttribute("data-script", /.*/);
    for (const key of ["j", "Enter", "/", "?", "h", "l"]) await page.keyboard.press(key);
    await expect(list.drawer).toBeHidden();
    await expect(list.box).not.toBeFocused();
    await expect(page.getByRole("dialog")).toBeHidden();
    await expect(list.hideMe).toHaveAttribute("aria-checked", "false");
    await expect(page.locator("[data-refresh-label]")).toHaveText("5 s");
  });
});
