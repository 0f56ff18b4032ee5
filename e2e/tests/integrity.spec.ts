/** Integrity: whether the record is what it was, on its page, in the drawer, and to take along. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import type { Page } from "@playwright/test";

import { AdminSessions } from "../pages/admin_sessions.ts";
import { DESK, expect, test } from "../stack/test.ts";

async function download(page: Page, click: () => Promise<void>): Promise<{ name: string; file: string }> {
  const coming = page.waitForEvent("download");
  await click();
  const download = await coming;
  return { name: download.suggestedFilename(), file: await download.path() };
}

test("a verification on demand says when, for whom, and that the record is intact", async ({ page, stack, day: _ }) => {
  await page.goto(`${stack.trail.url}/monitoring/alerts`);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Integrity" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Integrity");
  await page.getByRole("button", { name: "Verify now" }).click();
  await expect(page.locator('[data-integrity="intact"]')).toContainText("Intact as of");
  await expect(page.getByRole("region", { name: "Last full verification" })).toContainText("marek@hosting.example");
  await expect(page.getByRole("region", { name: "Recorders with gaps" })).toContainText("None.");
  const [event] = (await stack.api.events("panel:admintrail path:/monitoring/integrity/verify")).events;
  expect(event?.action).toBe("Verified the record");
});

test("checkpoint and key can be taken along, and the command line finds the record true to them", async ({ page, stack, day: _ }) => {
  await page.goto(`${stack.trail.url}/monitoring/integrity`);
  const checkpoint = await download(page, () => page.getByRole("link", { name: "Checkpoint" }).click());
  const key = await download(page, () => page.getByRole("link", { name: "Key", exact: true }).click());
  expect([checkpoint.name, key.name]).toEqual(["checkpoint.txt", "key.txt"]);
  const shown = await page.locator("#ledger-key").textContent();
  expect(readFileSync(key.file, "utf8").trim()).toBe(shown);
  const said = await stack.trail.ok(["verify", "--anchor", checkpoint.file, "--vkey", shown ?? ""]);
  expect(said).toContain("intact");
});

test("the badge of a request is computed, and its proof can be taken along", async ({ page, stack, day: _ }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:django admin:tom" });
  await list.openRow(list.row("Deleted user"));
  const badge = list.drawer.locator("[data-proof]");
  await expect(badge).toHaveAttribute("data-proof", "proven");
  await expect(badge.locator("summary")).toHaveText("In the ledger, not anchored yet");
  await badge.locator("summary").click();
  await expect(badge).toContainText("Ledger entry");
  const proof = await download(page, () => badge.getByRole("link", { name: "Proof as JSON" }).click());
  const json = JSON.parse(readFileSync(proof.file, "utf8")) as { state: string; event: { path: string }; checkpoint: string };
  expect(json.state).toBe("proven");
  expect(json.event.path).toContain("/delete/");
  expect(json.checkpoint).toContain("admintrail/");
});

test("an export with proof checks itself, without us", async ({ page, stack, day: _ }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "panel:django admin:tom" });
  await list.menu("export");
  const pack = await download(page, () => page.locator('[data-export="proof"]').click());
  expect(pack.name).toMatch(/^admintrail-\d{14}-proof\.zip$/);
  const folder = mkdtempSync(path.join(tmpdir(), "admintrail-pack-"));
  try {
    execFileSync("python3", ["-m", "zipfile", "-e", pack.file, folder]);
    const said = execFileSync("python3", [path.join(folder, "verify.py"), pack.file], { encoding: "utf8" });
    expect(said).toMatch(/^GOOD: /);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("without JavaScript a verification can be asked for and followed", async ({ browser, stack }) => {
  const context = await browser.newContext({ ...DESK, javaScriptEnabled: false, storageState: stack.owner });
  const page = await context.newPage();
  await page.goto(`${stack.trail.url}/monitoring/integrity`);
  await page.getByRole("button", { name: "Verify now" }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.locator('[data-integrity="intact"]')).toBeVisible({ timeout: 500 });
  }).toPass();
  await context.close();
});
