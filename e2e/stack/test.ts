/** The fixtures: one Django behind one Admintrail a worker, and people with browsers. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { test as base, type Browser, type BrowserContext, type Page } from "@playwright/test";

import type { Panel } from "../pages/panel.ts";
import { Admintrail, type Options } from "./admintrail.ts";
import { Api } from "./api.ts";
import { type Day, sitDown, spendDay } from "./day.ts";
import { type Django, startDjango } from "./django.ts";
import { ARTIFACTS } from "./processes.ts";

export { expect } from "@playwright/test";
export { ADDRESS } from "./day.ts";

/** The owner of Admintrail. */
export const OWNER = {
  email: "marek@hosting.example",
  name: "Marek Nowak",
  password: "trail-owner-2026!",
};

/** The browser of somebody at a desk in Warsaw. */
export const DESK = {
  viewport: { width: 1440, height: 900 },
  locale: "en-GB",
  timezoneId: "Europe/Warsaw",
  reducedMotion: "reduce",
} as const;

export interface Stack {
  folder: string;
  django: Django;
  trail: Admintrail;
  /** With a read token. */
  api: Api;
  /** Cookies of the owner, signed in. */
  owner: Awaited<ReturnType<BrowserContext["storageState"]>>;
}

interface Worker {
  stack: Stack;
  /** What everybody did at the panel, once. */
  day: Day;
}

interface Each {
  /** A page of Admintrail, the owner signed in. */
  page: Page;
  /** A page of Admintrail for an account of the test's own, because the test changes its settings. */
  own: Page;
  /** Opens a browser for somebody at an address, in front of the panel. */
  atPanel: (address: string, panel?: string) => Promise<Panel>;
  /** Starts a server of the test's own, in a folder of its own; its panel is `billing`. */
  server: (options?: Partial<Options>) => Promise<Admintrail>;
  /** What no test may cause: errors on the console, uncaught exceptions, refusals by the CSP. */
  complaints: string[];
}

export const test = base.extend<Each, Worker>({
  stack: [
    async ({ browser }, use, worker) => {
      const folder = mkdtempSync(path.join(tmpdir(), "admintrail-e2e-"));
      const name = `worker-${worker.workerIndex}`;
      mkdirSync(path.join(folder, "panel"));
      const django = await startDjango(`${name}-django`, path.join(folder, "panel"));
      const trail = await Admintrail.start({
        name: `${name}-admintrail`,
        data: path.join(folder, "data"),
        panels: [
          { name: "django", upstream: django.url, trusted_proxies: "127.0.0.1/32" },
          // The same panel, with nobody trusted to say who the client is.
          { name: "bare", upstream: django.url },
        ],
      });
      await addOwner(trail);
      const api = new Api(trail, await trail.token("e2e", "read"));
      const owner = await signedIn(browser, trail);
      await use({ folder, django, trail, api, owner });
      await trail.stop();
      await django.program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    { scope: "worker", timeout: 60_000 },
  ],

  day: [
    async ({ browser, stack }, use) => use(await spendDay(browser, stack.trail)),
    { scope: "worker", timeout: 60_000 },
  ],

  complaints: async ({}, use) => {
    const complaints: string[] = [];
    await use(complaints);
    base.expect(complaints, "what the browser complained of").toEqual([]);
  },

  context: async ({ browser, stack }, use) => {
    const context = await browser.newContext({ ...DESK, storageState: stack.owner });
    await use(context);
    await context.close();
  },

  page: async ({ context, complaints }, use) => {
    const page = await context.newPage();
    watch(page, complaints);
    await use(page);
  },

  own: async ({ browser, stack, complaints }, use, info) => {
    const account = { ...OWNER, email: `${info.testId}@hosting.example` };
    await addOwner(stack.trail, account);
    const storageState = await signedIn(browser, stack.trail, account);
    const context = await browser.newContext({ ...DESK, storageState });
    const page = await context.newPage();
    watch(page, complaints);
    await use(page);
    await context.close();
  },

  server: async ({ stack }, use, info) => {
    const started: Admintrail[] = [];
    await use(async (options = {}) => {
      const name = `own-${info.testId}-${started.length}`;
      const panels = [{ name: "billing", upstream: stack.django.url }];
      const data = path.join(stack.folder, name, "data");
      const server = await Admintrail.start({ name, data, panels, ...options });
      started.push(server);
      return server;
    });
    for (const server of started) await server.stop();
  },

  atPanel: async ({ browser, stack }, use) => {
    const leave: (() => Promise<void>)[] = [];
    await use(async (address, panel) => {
      const seat = await sitDown(browser, stack.trail, address, panel);
      leave.push(seat.leave);
      return seat.panel;
    });
    for (const close of leave) await close();
  },
});

export async function addOwner(trail: Admintrail, owner = OWNER): Promise<void> {
  const { email, name, password } = owner;
  const account = ["account", "add", "--email", email, "--name", name, "--role", "owner"];
  await trail.ok([...account, "--password-stdin"], `${password}\n`);
}

/** Signs in as the form does (`sign_in.spec.ts` uses the form itself), and returns the cookies. */
export async function signedIn(
  browser: Browser,
  trail: Admintrail,
  { email, password } = OWNER,
): Promise<Stack["owner"]> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const answer = await context.request.post(`${trail.url}/login`, {
    form: { email, password },
    headers: { origin: trail.url },
    maxRedirects: 0,
  });
  base.expect(answer.status(), await answer.text()).toBe(303);
  // What the script notes at the first visit, when it has the page drawn anew in the browser's zone.
  const domain = new URL(trail.url).hostname;
  await context.addCookies([{ name: "admintrail_tz", value: DESK.timezoneId, domain, path: "/", sameSite: "Lax" }]);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Notes whatever the browser complains of. */
export function watch(page: Page, complaints: string[]): void {
  page.on("console", (message) => {
    // A refused view is an answer, not a fault; a missing file is one.
    const refused = /status of 4\d\d/.test(message.text()) && !message.location().url.includes("/static/");
    if (refused) return;
    if (message.type() === "error" || /Content[- ]Security[- ]Policy/i.test(message.text())) {
      complaints.push(`${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}

/** Saves what the page looks like to `artifacts/screenshots`; all of it, or what fits the window. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  const file = path.join(ARTIFACTS, "screenshots", `${name}.png`);
  await page.screenshot({ path: file, fullPage, animations: "disabled" });
}
