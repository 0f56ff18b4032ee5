/** Looking at the record is itself on record. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { expect, OWNER, test } from "../stack/test.ts";

test("who looked at what, with which filter, is a row of its own", async ({ page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await list.open({ q: "who-looked-at-this" });
  const [event] = await stack.api.until("panel:admintrail query:who-looked-at-this path:/monitoring/ -is:polling", 1);
  expect(event).toMatchObject({
    panel: "admintrail",
    admin: OWNER.email,
    admin_name: OWNER.name,
    ip: "127.0.0.1",
    type: "WEB",
    method: "GET",
    path: "/monitoring/admin-sessions",
    status: 200,
    outcome: "success",
  });
  expect(event?.action).toMatch(/admin sessions|searched/i);
  await list.open({ q: "panel:admintrail query:who-looked-at-this" });
  await expect(list.rows.first()).toContainText(OWNER.name);
});

test("a program that reads the API is on record under its token's name", async ({ stack }) => {
  await stack.api.events("read-by-a-program");
  const [event] = await stack.api.until("panel:admintrail query:read-by-a-program", 1);
  expect(event).toMatchObject({ admin: "token e2e", type: "API", path: "/api/v1/events" });
});

test("an API call without a token is denied, and on record", async ({ stack }) => {
  const answer = await fetch(`${stack.trail.url}/api/v1/events?q=no-token-here`);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  const wrong = await fetch(`${stack.trail.url}/api/v1/events?q=no-token-here`, {
    headers: { authorization: "Bearer not-a-token-of-ours-at-all" },
  });
  expect(wrong.status).toBe(401);
  const events = await stack.api.until("panel:admintrail query:no-token-here outcome:denied", 2);
  for (const event of events) expect(event.admin ?? null).toBeNull();
});
