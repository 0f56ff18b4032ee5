/** The histogram: what it counts, and the brush by mouse and keyboard. */

import type { Page } from "@playwright/test";

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

/** From and to of the address, in ms. */
async function range(page: Page): Promise<[number, number]> {
  const url = new URL(page.url());
  return [Date.parse(url.searchParams.get("from") ?? ""), Date.parse(url.searchParams.get("to") ?? "")];
}

test.describe("the histogram", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("chart", manyRequests(600, 20));
  });

  test("counts what was read, changed, and denied or failed, and has a table behind it", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:chart" });
    // Of six kinds: two reads, two changes, one denied, one error.
    const legend = page.locator("[data-chart] .legend");
    await expect(legend).toContainText("Read 200");
    await expect(legend).toContainText("Changed 200");
    await expect(legend).toContainText("Denied or failed 200");
    const table = page.locator("[data-chart] table");
    const sums = await table.evaluate((table) =>
      [...table.querySelectorAll("tbody tr")].reduce(
        (sums, row) => sums.map((sum, at) => sum + Number(row.querySelectorAll("td")[at]?.textContent?.replaceAll(",", ""))),
        [0, 0, 0],
      ),
    );
    expect(sums).toEqual([200, 200, 200]);
    await expect(page.locator("[data-chart] svg")).toHaveAttribute("aria-label", /600|requests/i);
  });

  test("a range drawn with the mouse becomes the time range of the view", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:chart" });
    const box = await page.locator("[data-plot]").boundingBox();
    if (box === null) throw new Error("the plot cannot be seen");
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 5 });
    await page.mouse.move(box.x + box.width * 0.75, y, { steps: 5 });
    await page.mouse.up();
    await expect(page).toHaveURL(/from=20/);
    const [from, to] = await range(page);
    // A quarter of 24 hours, within a bar or two.
    expect((to - from) / 3_600_000).toBeGreaterThan(5);
    expect((to - from) / 3_600_000).toBeLessThan(7.5);
    await expect(list.box).toHaveValue("panel:chart");
    const total = await list.total();
    expect(total).toBeGreaterThan(100);
    expect(total).toBeLessThan(260);
    // The way back is the browser's.
    await page.goBack();
    await expect(list.pager).toContainText("of 600");
  });

  test("a range can be chosen with the keyboard alone", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:chart" });
    await page.getByRole("slider", { name: "Start of range" }).focus();
    for (let at = 0; at < 3; at += 1) await page.keyboard.press("PageUp");
    for (let at = 0; at < 4; at += 1) await page.keyboard.press("ArrowRight");
    await page.getByRole("slider", { name: "End of range" }).focus();
    await page.keyboard.press("PageDown");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/from=20/);
    const [from, to] = await range(page);
    expect(to).toBeGreaterThan(from);
    expect(to - from).toBeLessThan(23 * 3_600_000);
  });
});
