/** Integrity: whether the record is what it was, on its page, in the drawer, and to take along. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import type { Page } from "@playwright/test";

import { AdminSessions } from "../pages/admin_sessions.ts";
import { findings, outside } from "../stack/axe.ts";
import { addOwner, DESK, expect, picture, signedIn, test, watch } from "../stack/test.ts";

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

test("by keyboard: a place is added, gets its checkpoint while the page is open, and is removed", async ({ browser, server, complaints }) => {
  test.setTimeout(90_000);
  const trail = await server();
  await addOwner(trail);
  const context = await browser.newContext({ ...DESK, storageState: await signedIn(browser, trail) });
  const page = await context.newPage();
  watch(page, complaints);
  await page.goto(`${trail.url}/monitoring/integrity`);
  const anchors = page.getByRole("region", { name: "Anchors" });
  const place = page.getByLabel("Where else may proof be kept?");
  await place.focus();
  await page.keyboard.type("backup");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Add a place" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(place).toBeFocused();
  await expect(place).toHaveAccessibleDescription(/is not an absolute path/);
  await picture(page, "integrity-anchors-wrong-light", true);

  // The folder is not there yet, as where a disk is not mounted.
  const folder = path.join(path.dirname(trail.data), "backup");
  const file = path.join(folder, "admintrail.checkpoint");
  await place.fill(file);
  await page.keyboard.press("Enter");
  await expect(anchors.getByText("it gets its first checkpoint now")).toBeVisible();
  const line = page.locator(`[data-anchor="${file}"]`);
  await expect(line).toHaveAttribute("data-anchor-state", "failing", { timeout: 25_000 });
  await expect(line).toContainText("perhaps its disk is not mounted");
  await place.fill("https://anchors.example.org/canary");
  await page.keyboard.press("Enter");
  const secret = page.getByLabel("Secret of the receiver anchors.example.org");
  await expect(secret).toHaveValue(/^whsec_/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `integrity-anchors-${colorScheme}`, true);
    expect(await findings(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 375, height: 812 });
  await picture(page, "integrity-anchors-narrow", true);
  expect(await outside(page)).toEqual([]);
  expect(await findings(page)).toEqual([]);
  await page.setViewportSize(DESK.viewport);

  // What is typed, and what is shown once, stays while the list changes.
  mkdirSync(folder);
  await place.fill("/mnt/half");
  await expect.poll(() => existsSync(file), { timeout: 15_000 }).toBe(true);
  await expect(line).toHaveAttribute("data-anchor-state", "kept", { timeout: 25_000 });
  await expect(place).toHaveValue("/mnt/half");
  await expect(secret).toHaveValue(/^whsec_/);
  expect(await trail.ok(["verify", "--anchor", file])).toContain("intact");
  await line.getByRole("button", { name: `Remove ${file}` }).focus();
  await page.keyboard.press("Enter");
  await expect(anchors.getByText("nothing more is sent there")).toBeVisible();
  await expect(line).toHaveCount(0);
  await context.close();
});
