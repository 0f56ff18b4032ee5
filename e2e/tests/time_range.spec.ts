/** The time range: presets that slide, and two moments. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { ago } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

const MINUTES = { "5-minutes": 5, "40-minutes": 40, "5-hours": 300, "3-days": 3 * 1440, "20-days": 20 * 1440, "90-days": 90 * 1440 };

test.describe("time ranges", () => {
  test.beforeAll(async ({ stack }) => {
    const events = Object.entries(MINUTES).map(([name, minutes]) => ({
      time: ago(minutes),
      method: "GET",
      path: `/${name}`,
      status: 200,
    }));
    await stack.trail.take("ages", events);
  });

  test("each preset shows what is young enough", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:ages" });
    const presets: [string, number][] = [
      ["Last 15 minutes", 1],
      ["Last hour", 2],
      ["Last 24 hours", 3],
      ["Last 7 days", 4],
      ["Last 30 days", 5],
      ["All time", 6],
    ];
    await expect(list.rows).toHaveCount(3);
    for (const [name, count] of presets) {
      await list.menu("range");
      await page.getByRole("link", { name, exact: true }).click();
      await expect(list.rows, name).toHaveCount(count);
    }
  });

  test("today and yesterday are days of the zone that the page shows", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const day = (offset: number) => {
      const at = new Date(Date.now() + offset * 86_400_000);
      return new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Warsaw" }).format(at);
    };
    // Half past midnight in Warsaw is yesterday evening in UTC.
    const offset = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Warsaw", timeZoneName: "longOffset" })
      .formatToParts()
      .find((part) => part.type === "timeZoneName")
      ?.value.replace("GMT", "");
    const at = (date: string, time: string) => ({ time: `${date}T${time}:00${offset}`, method: "GET", status: 200 });
    await stack.trail.take("days", [
      { ...at(day(0), "00:00"), path: "/today" },
      { ...at(day(-1), "00:30"), path: "/yesterday-early" },
      { ...at(day(-1), "23:30"), path: "/yesterday-late" },
      { ...at(day(-2), "23:30"), path: "/before" },
    ]);
    await list.open({ q: "panel:days", from: "today" });
    await expect.poll(() => list.paths()).toEqual(["/today"]);
    await list.open({ q: "panel:days", from: "yesterday", to: "today" });
    expect(await list.paths()).toEqual(["/yesterday-late", "/yesterday-early"]);
  });

  test("at the first visit times turn to the browser's zone by themselves", async ({ page, context, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await context.clearCookies({ name: "admintrail_tz" });
    await list.open({ q: "panel:ages" });
    await expect(page.locator("html")).toHaveAttribute("data-script", /.*/);
    const at = new Date((await list.rows.first().locator("time").getAttribute("datetime")) ?? "");
    const local = at.toLocaleTimeString("en-GB", { timeZone: "Europe/Warsaw" });
    await expect(list.rows.first().locator("time")).toContainText(local);
  });

  test("two moments limit the list, and the page names the zone", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:ages" });
    await list.menu("range");
    await expect(page.getByText(/Times are in Europe\/Warsaw/)).toBeVisible();
    const local = (minutes: number) =>
      new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Warsaw", dateStyle: "short", timeStyle: "medium" })
        .format(new Date(Date.now() - minutes * 60_000))
        .replace(" ", "T");
    await page.getByLabel("From", { exact: true }).fill(local(400));
    await page.getByLabel("To", { exact: true }).fill(local(30));
    await page.getByRole("button", { name: "Show" }).click();
    await expect(list.rows).toHaveCount(2);
    expect(await list.paths()).toEqual(["/40-minutes", "/5-hours"]);
    await expect(list.box).toHaveValue("panel:ages");
  });

  test("a range that ends before it begins is refused, and says why", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:ages", from: "2026-02-02", to: "2026-02-01" });
    await expect(page.getByRole("alert")).toContainText("is not before the end of the range");
    await list.open({ q: "panel:ages", from: "soonish" });
    await expect(page.getByRole("alert")).toContainText("soonish");
  });
});
