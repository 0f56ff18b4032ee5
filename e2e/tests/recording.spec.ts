/** What the record says of a day at the panel. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

import type { EventJson } from "../stack/admintrail.ts";
import { PASSWORD_TYPED_AS_NAME } from "../stack/day.ts";
import { PANEL_PASSWORD } from "../stack/django.ts";
import { ADDRESS, expect, test } from "../stack/test.ts";

/** The last event of these that has this method and path. */
function last(events: EventJson[], method: string, at: string): EventJson {
  const found = events.filter((event) => event.method === method && event.path === at).at(-1);
  if (found === undefined) {
    const seen = events.map((event) => `${event.method} ${event.path}`).join("\n");
    throw new Error(`${method} ${at} was not recorded; there are\n${seen}`);
  }
  return found;
}

test("a sign-in names the admin, and so does every request after it", async ({ stack, day }) => {
  expect(day.edited).toMatch(/^\d+$/);
  const events = (await stack.api.events(`panel:django ip:${ADDRESS.olena} -is:asset`, { order: "asc" })).events;
  const signIn = last(events, "POST", "/admin/login/");
  expect(signIn).toMatchObject({
    admin: "olena",
    known_by: "session",
    ip: ADDRESS.olena,
    type: "WEB",
    query: "next=/admin/",
    action: "Signed in",
    status: 302,
    outcome: "success",
    ending: "complete",
  });
  const edit = last(events, "POST", `/admin/auth/user/${day.edited}/change/`);
  expect(edit).toMatchObject({ admin: "olena", ip: ADDRESS.olena, status: 302, outcome: "success" });
  expect(edit.session).toBe(signIn.session);
  expect(edit.session).toMatch(/^[0-9a-f]{32}$/);
  expect(edit.action).toBe(`Changed user ${day.edited}`);
  expect(edit.object).toBe(`auth/user/${day.edited}`);
  expect(edit.route).toMatch(/^\/admin\/auth\/user\/\{id\}\/change\/?$/);
  expect(edit.duration_us).toBeGreaterThan(0);
  expect(edit.request_bytes).toBeGreaterThan(100);
  expect(edit.user_agent).toContain("Chrome");
  expect(edit.host).toBe(new URL(stack.trail.panel("django")).host);
});

test("two admins at the same panel are never mixed up", async ({ stack, day }) => {
  const events = (await stack.api.events(`panel:django ip:${ADDRESS.tom} -is:asset`, { order: "asc" })).events;
  const add = last(events, "POST", "/admin/auth/user/add/");
  expect(add).toMatchObject({ admin: "tom", status: 302, outcome: "success" });
  expect(add.action).toBe("Added user");
  const remove = last(events, "POST", `/admin/auth/user/${day.deleted}/delete/`);
  expect(remove).toMatchObject({ admin: "tom", status: 302, outcome: "success" });
  expect(remove.action).toBe(`Deleted user ${day.deleted}`);
  for (const event of events.slice(events.indexOf(last(events, "POST", "/admin/login/")))) {
    expect(event.admin, `${event.method} ${event.path}`).toBe("tom");
  }
  const admins = new Set(events.map((event) => event.admin).filter(Boolean));
  expect([...admins]).toEqual(["tom"]);
});

test("a page that an admin may not see is recorded as denied, under the admin's name", async ({ stack, day: _ }) => {
  const events = (await stack.api.events(`panel:django ip:${ADDRESS.ines} -is:asset`, { order: "asc" })).events;
  const forbidden = last(events, "GET", "/admin/auth/user/");
  expect(forbidden).toMatchObject({ admin: "ines", status: 403, outcome: "denied" });
  expect(forbidden.action).toMatch(/^Denied: listed users$/);
});

test("sign-out ends the name: what comes after it belongs to nobody", async ({ stack, day: _ }) => {
  const events = (await stack.api.events(`panel:django ip:${ADDRESS.olena} -is:asset`, { order: "asc" })).events;
  expect(last(events, "GET", "/admin/login/").action).toBe("Viewed sign-in form");
  const out = last(events, "POST", "/admin/logout/");
  expect(out).toMatchObject({ admin: "olena", action: "Signed out", outcome: "success" });
  const after = last(events, "GET", "/admin/auth/group/");
  expect(after.admin ?? null).toBeNull();
  expect(after).toMatchObject({ action: "Sent to sign-in", status: 302, outcome: "denied" });
});

test("failed sign-ins are recorded with what was tried, and name nobody", async ({ stack, day: _ }) => {
  const events = (await stack.api.events(`panel:django ip:${ADDRESS.stranger} -is:asset`, { order: "asc" })).events;
  expect(last(events, "GET", "/admin/auth/user/")).toMatchObject({ action: "Sent to sign-in", outcome: "denied" });
  const tries = events.filter((event) => event.method === "POST" && event.path === "/admin/login/");
  expect(tries).toHaveLength(3);
  for (const event of tries) {
    expect(event.admin ?? null).toBeNull();
    expect(event).toMatchObject({ known_by: "attempt", outcome: "denied", status: 200 });
  }
  const [olena, root, slip] = tries.map((event) => event.attempted ?? "");
  expect(olena).toBe("olena");
  expect(root).toBe("root");
  expect(slip).toContain(`unknown name (${PASSWORD_TYPED_AS_NAME.length} characters)`);
  expect(tries[0]?.action).toBe("Failed sign-in as olena");
});

test("no password, cookie or session id is anywhere in the data folder or the log", async ({ stack, day: _, atPanel }) => {
  const panel = await atPanel("198.18.9.1");
  await panel.signIn("tom");
  const cookies = await panel.page.context().cookies();
  const secrets = [
    PANEL_PASSWORD,
    PASSWORD_TYPED_AS_NAME,
    "wrong-password",
    "long-enough-4711",
    ...cookies.map((cookie) => cookie.value),
  ];
  expect(secrets.length).toBeGreaterThan(5);
  await panel.goto("/admin/?token=canary-0001&%74oken=canary-0002&API_KEY=canary-0003&x=canary%2Dkept");
  const [seen] = await stack.api.until("ip:198.18.9.1 query:canary", 1);
  expect(seen?.query).toContain("canary%2Dkept");
  secrets.push("canary-0001", "canary-0002", "canary-0003");
  const files: string[] = [];
  const walk = (folder: string) => {
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name);
      if (statSync(file).isDirectory()) walk(file);
      else if (statSync(file).isFile()) files.push(file);
    }
  };
  walk(stack.trail.data);
  expect(files.length).toBeGreaterThan(3);
  for (const secret of secrets) {
    for (const file of files) {
      expect(readFileSync(file).includes(secret), `${secret} in ${file}`).toBe(false);
    }
    expect(stack.trail.program.said().includes(secret), `${secret} in the log`).toBe(false);
  }
});

test("a client cannot choose its address where no proxy is trusted", async ({ stack, atPanel }) => {
  const panel = await atPanel("192.0.2.66", "bare");
  await panel.goto("/admin/?forged-address");
  const [event] = await stack.api.until("panel:bare query:forged-address", 1);
  expect(event?.ip).toBe("127.0.0.1");
});

test("what nobody signed in to do through Admintrail reads as unknown, never as the last admin", async ({ stack, atPanel }) => {
  // Signed in around Admintrail, then through it with the same cookie.
  const panel = await atPanel("198.18.9.2");
  const around = await panel.page.context().newPage();
  await around.goto(`${stack.django.url}/admin/login/`);
  await around.getByLabel("Username:").fill("olena");
  await around.getByLabel("Password:").fill(PANEL_PASSWORD);
  await around.getByRole("button", { name: "Log in" }).click();
  await expect(around.getByRole("button", { name: "Log out" })).toBeVisible();
  await panel.goto("/admin/auth/group/");
  await expect(panel.page.getByRole("heading", { name: "Select group" })).toBeVisible();
  const [event] = await stack.api.until("ip:198.18.9.2 path:/admin/auth/group/", 1);
  expect(event?.admin ?? null).toBeNull();
  expect(event).toMatchObject({ status: 200, outcome: "success" });
});

test("styles and scripts are recorded as assets", async ({ stack, day: _ }) => {
  const { events } = await stack.api.events("panel:django path:/static/admin/");
  expect(events.length).toBeGreaterThan(20);
  expect(events.filter((event) => !event.asset).map((event) => event.path)).toEqual([]);
});
