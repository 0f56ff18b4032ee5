/** Pages, their sizes, their order, and the number of what there is. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

const COUNT = 1_234;
/** `n` of the first and the last row of each page, as the URL column shows it. */
const n = (text: string | undefined) => Number(/n=(\d+)/.exec(text ?? "")?.[1] ?? Number.NaN);

test.describe("a record of 1,234 requests", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("paging", manyRequests(COUNT, 20));
  });

  test("Older, Newer, First and Last walk through all of it without a gap or a repeat", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:paging", limit: "250" });
    await expect(list.rows).toHaveCount(250);
    await expect(list.pager).toContainText("1–250 of 1,234");
    const seen: number[] = [];
    for (let at = 0; ; at += 250) {
      const urls = await list.urls();
      seen.push(...urls.map(n));
      const older = page.getByRole("link", { name: "Older" });
      if ((await older.getAttribute("aria-disabled")) === "true") break;
      await older.click();
      await expect(list.pager).toContainText(`${(at + 251).toLocaleString("en-GB")}–`);
    }
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, at) => at));
    await expect(list.rows).toHaveCount(COUNT % 250);

    await page.getByRole("link", { name: "Newer" }).click();
    await expect(list.pager).toContainText("751–1,000 of 1,234");
    expect(n((await list.urls())[0])).toBe(750);
    await page.getByRole("link", { name: "First" }).click();
    await expect(list.pager).toContainText("1–250 of 1,234");
    expect(n((await list.urls())[0])).toBe(0);
    await page.getByRole("link", { name: "Last" }).click();
    await expect(list.pager).toContainText("–1,234 of 1,234");
    expect(n((await list.urls()).at(-1))).toBe(COUNT - 1);
  });

  test("sorting by date turns the list around, and Newer and Older keep to time", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:paging", limit: "25" });
    const heading = page.getByRole("columnheader", { name: /Date/ });
    await expect(heading).toHaveAttribute("aria-sort", "descending");
    expect(n((await list.urls())[0])).toBe(0);
    await heading.getByRole("link").click();
    await expect(heading).toHaveAttribute("aria-sort", "ascending");
    await expect(page).toHaveURL(/order=asc/);
    expect((await list.urls()).map(n)).toEqual(Array.from({ length: 25 }, (_, at) => COUNT - 1 - at));
    await page.getByRole("link", { name: "Newer" }).click();
    await expect.poll(async () => n((await list.urls())[0])).toBe(COUNT - 26);
    await heading.getByRole("link").click();
    await expect(heading).toHaveAttribute("aria-sort", "descending");
    await expect.poll(async () => n((await list.urls())[0])).toBe(0);
  });

  test("each page size shows as many rows", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:paging" });
    await expect(list.rows).toHaveCount(50);
    for (const size of [25, 100, 250, 500, 50]) {
      await list.menu("size");
      await page.locator(`[data-size="${size}"]`).click();
      await expect(list.rows).toHaveCount(size);
      await expect(list.pager).toContainText(`1–${size} of 1,234`);
    }
  });

  test("rows that arrive meanwhile do not shift the older pages", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await stack.trail.take("shift", manyRequests(60, 2));
    await list.open({ q: "panel:shift", limit: "25" });
    await stack.trail.take("shift", manyRequests(10, 0.01).map((event) => ({ ...event, query: "late=1" })));
    await page.getByRole("link", { name: "Older" }).click();
    await expect.poll(async () => n((await list.urls())[0])).toBe(25);
  });

  test("a page size that is none is refused with what to send instead", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:paging", limit: "0" });
    await expect(page.getByText("send a whole number from 1 to 1000")).toBeVisible();
  });
});
