/** Every page of Admintrail, for what has to hold on each of them. */

import type { Page } from "@playwright/test";

import type { Stack } from "../stack/test.ts";
import { AdminSessions, PATH } from "./admin_sessions.ts";

export interface Sight {
  name: string;
  /** Brings the page there. */
  show: (page: Page, stack: Stack) => Promise<void>;
  /** What lies over the rest, which is then half covered and not to be judged. */
  over?: string;
}

const at = (path: string) => async (page: Page, stack: Stack) => {
  await page.goto(`${stack.trail.url}${path}`);
};

/** So many rows show what a page looks like; more of them only take axe longer. */
const limit = "25";

const list = (page: Page, stack: Stack) => new AdminSessions(page, stack.trail.url);

const menu = (name: "range" | "views" | "refresh" | "share" | "export" | "size"): Sight => ({
  name: `requests-menu-${name}`,
  over: `details[data-menu="${name}"]`,
  show: async (page, stack) => {
    await list(page, stack).open({ q: "panel:django", limit });
    await list(page, stack).menu(name);
  },
});

/** What somebody who is signed in may see. */
export const SIGHTS: Sight[] = [
  { name: "dashboard", show: at("/") },
  { name: "requests", show: at(`${PATH}?q=panel:django&limit=${limit}`) },
  {
    name: "requests-drawer",
    show: async (page, stack) => {
      await list(page, stack).open({ q: "panel:django admin:tom", limit });
      await list(page, stack).openRow(list(page, stack).row("Deleted user"));
    },
  },
  {
    name: "requests-drawer-attempt",
    show: async (page, stack) => {
      await list(page, stack).open({ q: "panel:django attempted:root" });
      await list(page, stack).openRow(list(page, stack).rows.first());
    },
  },
  menu("range"),
  menu("views"),
  menu("refresh"),
  menu("share"),
  menu("export"),
  menu("size"),
  {
    name: "requests-help",
    show: async (page, stack) => {
      await list(page, stack).open({ q: "panel:django", limit });
      await page.locator("html[data-script]").waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "requests-mistake", show: at(`${PATH}?q=statu:404`) },
  { name: "requests-nothing-matches", show: at(`${PATH}?q=panel:django+nothing-has-this`) },
  { name: "sessions", show: at(`${PATH}/sessions?q=panel:django`) },
  {
    name: "session-timeline",
    show: async (page, stack) => {
      await list(page, stack).open({ q: "panel:django admin:tom" }, `${PATH}/sessions`);
      await page.locator("tr[data-session]").first().getByRole("link").first().click();
      await page.waitForLoadState();
    },
  },
  { name: "admins", show: at(`${PATH}/admins?q=panel:django`) },
  { name: "ip-addresses", show: at(`${PATH}/ip-addresses?q=panel:django`) },
  { name: "alerts", show: at("/monitoring/alerts") },
  {
    name: "integrity",
    show: async (page, stack) => {
      await at("/monitoring/integrity")(page, stack);
      const button = page.getByRole("button", { name: "Verify now" });
      if (await page.locator('[data-integrity="unknown"]').isVisible()) await button.click();
      await page.locator('[data-integrity="intact"]').waitFor();
    },
  },
  {
    name: "requests-drawer-proof",
    show: async (page, stack) => {
      await list(page, stack).open({ q: "panel:django admin:tom", limit });
      await list(page, stack).openRow(list(page, stack).row("Deleted user"));
      await page.locator("[data-proof] summary").click();
    },
  },
  { name: "settings-account", show: at("/settings/account") },
  { name: "settings-erasure", show: at("/settings/erasure") },
  { name: "settings-panels", show: at("/settings/panels") },
  { name: "settings-retention", show: at("/settings/retention") },
  { name: "settings-tokens", show: at("/settings/tokens") },
  { name: "not-found", show: at("/nothing-here") },
];
