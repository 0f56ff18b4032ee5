/** Export of what the filter shows. */

import { readFileSync } from "node:fs";

import type { Page } from "@playwright/test";

import { AdminSessions } from "../pages/admin_sessions.ts";
import type { EventJson } from "../stack/admintrail.ts";
import { ago, manyRequests } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

async function download(page: Page, format: "CSV" | "NDJSON"): Promise<string> {
  await page.locator("details[data-menu=export] > summary").click();
  const coming = page.waitForEvent("download");
  await page.locator(`[data-export="${format.toLowerCase()}"]`).click();
  const file = await coming;
  expect(file.suggestedFilename()).toMatch(new RegExp(`\\.${format.toLowerCase()}$`));
  return readFileSync(await file.path(), "utf8");
}

/** Records of RFC 4180. */
function csv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const match of text.replace(/^\uFEFF/, "").matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (match[0] === "") break;
    records.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] !== ",") records.push([]);
  }
  return records.filter((record) => record.length > 0);
}

test.describe("export", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("exported", manyRequests(700, 10));
    const lead = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"];
    const events = lead.map((text, at) => ({
      time: ago(10 + at),
      method: "GET",
      path: `/formula/${at}`,
      status: 200,
      action: text,
      admin: `${text}@example.org`,
      user_agent: text,
    }));
    await stack.trail.take("formulas", events);
  });

  test("NDJSON holds exactly what the filter finds, on all pages", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:exported method:PUT,DELETE", limit: "25" });
    const text = await download(page, "NDJSON");
    const events = text.trim().split("\n").map((line) => JSON.parse(line) as EventJson);
    const wanted = (await stack.api.events("panel:exported method:PUT,DELETE")).events;
    expect(wanted.length).toBeGreaterThan(200);
    expect(new Set(events.map((event) => event.id))).toEqual(new Set(wanted.map((event) => event.id)));
    expect(events.find((event) => event.id === wanted[0]?.id)).toEqual(wanted[0]);
  });

  test("CSV holds the same, with cells that no spreadsheet takes for formulas", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:formulas" });
    await expect(list.rows).toHaveCount(6);
    const records = csv(await download(page, "CSV"));
    const [head, ...rows] = records;
    expect(head).toEqual(expect.arrayContaining(["time", "admin", "ip", "method", "path", "status", "outcome", "action"]));
    expect(rows).toHaveLength(6);
    for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    const actions = rows.map((row) => row[head?.indexOf("action") ?? -1]);
    expect(actions.some((action) => action?.includes("=1+1"))).toBe(true);
    const exact = await stack.api.events("panel:formulas");
    expect(exact.events.map((event) => event.action)).toContain("=1+1");
  });

  test("the export itself is on record, with who made it and of what", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:exported audit-this-export" });
    await download(page, "CSV");
    const [event] = await stack.api.until("panel:admintrail path:export query:audit-this-export", 1);
    expect(event).toMatchObject({ admin: "marek@hosting.example", status: 200, outcome: "success" });
    expect(event?.action).toMatch(/export/i);
  });

  test("an import of an export is the same events, once", async ({ stack }) => {
    const before = await stack.api.events("panel:exported", { limit: "1" });
    const text = await stack.trail.ok(["export", "panel:exported", "--format", "ndjson"]);
    expect(text.trim().split("\n")).toHaveLength(700);
    await stack.trail.ok(["import", "-", "--panel", "exported", "--format", "ndjson"], text);
    const after = await stack.api.events("panel:exported", { limit: "1" });
    expect(after.total).toEqual(before.total);
  });
});
