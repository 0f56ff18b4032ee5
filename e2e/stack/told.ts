/** The end of a day at a real panel: what the trail says of it, held against what people did. */

import type { Browser } from "@playwright/test";

import type { EventJson } from "./admintrail.ts";
import { bars, deeds, type RealStack, type Sent } from "./real.ts";
import { DESK, expect, picture } from "./test.ts";

/** "olena: Deleted user 7 (user/7), success" for each deed; "olena as client/7: …" of somebody who acts as another. */
export function sentences(events: EventJson[]): string[] {
  return deeds(events).map((event) => {
    const object = event.object == null ? "" : ` (${event.object})`;
    const as = event.acting_as == null ? "" : ` as ${event.acting_as}`;
    return `${event.admin ?? "nobody"}${as}: ${event.action}${object}, ${event.outcome}`;
  });
}

/** Each of these is told, in this order; what scripts ask for by themselves comes in between. */
export function expectInOrder(lines: string[], deeds: string[]): void {
  let at = 0;
  for (const wanted of deeds) {
    const next = lines.findIndex((text, n) => n >= at && text.startsWith(wanted));
    expect(next, `${wanted}\nis not among\n${lines.slice(at).join("\n")}`).toBeGreaterThanOrEqual(0);
    at = next + 1;
  }
}

/** All is recorded, everybody named, nobody wrongly, and no secret stored; `known`: passwords typed. */
export async function expectBars(stack: RealStack, sent: Sent, known: string[]): Promise<void> {
  for (const [what, wrong] of Object.entries(await bars(stack, sent, known))) {
    expect.soft(wrong, what).toEqual([]);
  }
  expect(sent.requests().length).toBeGreaterThan(100);
}

/** The page with the panel's rows, to look at. */
export async function pictureOfTrail(browser: Browser, stack: RealStack, panel: string): Promise<void> {
  const owner = await browser.newContext({ ...DESK, storageState: stack.owner });
  const trail = await owner.newPage();
  await trail.goto(`${stack.trail.url}/monitoring/admin-sessions?q=panel:${panel}&limit=100`);
  await picture(trail, `real-${panel}`);
  await owner.close();
}
