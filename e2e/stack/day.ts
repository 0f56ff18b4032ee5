/** A day at the panel: what everybody does there once, for all tests that look at the record of it. */

import type { Browser } from "@playwright/test";

import { Panel } from "../pages/panel.ts";
import type { Admintrail } from "./admintrail.ts";

/** Where the admins sit; the proxy in front of the panel says so in `X-Forwarded-For`. */
export const ADDRESS = {
  olena: "198.51.100.7",
  tom: "203.0.113.90",
  ines: "2001:db8:4::91",
  stranger: "45.83.64.11",
} as const;

/** What somebody typed into the name field by mistake. */
export const PASSWORD_TYPED_AS_NAME = "Sommer-2026-geheim";

export interface Day {
  /** Ids that Django gave to the users that were edited, added and deleted. */
  edited: string;
  added: string;
  deleted: string;
}

export interface Seat {
  panel: Panel;
  leave: () => Promise<void>;
}

/** A browser of its own for somebody at this address. */
export async function sitDown(
  browser: Browser,
  trail: Admintrail,
  address: string,
  panel = "django",
  userAgent?: string,
): Promise<Seat> {
  const context = await browser.newContext({
    extraHTTPHeaders: { "x-forwarded-for": address },
    storageState: { cookies: [], origins: [] },
    ...(userAgent === undefined ? {} : { userAgent }),
  });
  const page = await context.newPage();
  return { panel: new Panel(page, trail.panel(panel)), leave: () => context.close() };
}

export async function spendDay(browser: Browser, trail: Admintrail): Promise<Day> {
  const olena = await sitDown(browser, trail, ADDRESS.olena);
  await olena.panel.signIn("olena");
  const edited = await olena.panel.editUser("client02", "Northwind");
  await olena.panel.signOut();
  await olena.panel.goto("/admin/auth/group/");
  await olena.leave();

  const tom = await sitDown(browser, trail, ADDRESS.tom);
  await tom.panel.signIn("tom");
  const added = await tom.panel.addUser("newcomer");
  const deleted = await tom.panel.deleteUser("newcomer");
  await tom.leave();

  const ines = await sitDown(browser, trail, ADDRESS.ines);
  await ines.panel.signIn("ines");
  await ines.panel.goto("/admin/auth/user/");
  await ines.leave();

  const stranger = await sitDown(browser, trail, ADDRESS.stranger);
  await stranger.panel.goto("/admin/auth/user/");
  for (const name of ["olena", "root", PASSWORD_TYPED_AS_NAME]) {
    await stranger.panel.trySignIn(name, "wrong-password");
  }
  await stranger.leave();
  return { edited, added, deleted };
}
