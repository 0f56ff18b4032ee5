/** What strangers put into a request shows as text, wherever it is shown. */

import { request } from "node:http";

import type { Page } from "@playwright/test";

import { AdminSessions, PATH } from "../pages/admin_sessions.ts";
import { ago } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

const PAYLOADS = [
  `<script>window.pwned=1;alert(1)</script>`,
  `"><img src=x onerror=window.pwned=1>`,
  `'><svg/onload=window.pwned=1>`,
  `javascript:window.pwned=1//`,
  `</title></textarea></template><iframe srcdoc="<script>parent.pwned=1</script>">`,
  `{{constructor.constructor('window.pwned=1')()}}`,
  `"autofocus/onfocus="window.pwned=1`,
  `<a/href="javascript:window.pwned=1">x</a>`,
  `&lt;b&gt;&quot;`,
  `<!--<base/href=//evil.example/>-->`,
];

/** Sends one request exactly as given. */
function send(base: string, path: string, headers: Record<string, string>, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL(base);
    const outgoing = request(
      { host: url.hostname, port: url.port, path, method: body === undefined ? "GET" : "POST", headers },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Opens every row's drawer and every overview of a view; nothing of it may have run. */
async function lookAtEverything(page: Page, list: AdminSessions, q: string): Promise<void> {
  await list.open({ q, limit: "100" });
  const count = await list.rows.count();
  for (let at = 0; at < count; at += 1) {
    await list.openRow(list.rows.nth(at));
    await expect(list.rows.nth(at)).toHaveAttribute("aria-current", "true");
  }
  for (const tab of ["sessions", "admins", "ip-addresses"]) await list.open({ q }, `${PATH}/${tab}`);
  expect(await page.evaluate(() => "pwned" in window)).toBe(false);
}

test("scripts in path, query and user agent of real requests show as text", async ({ page, stack, complaints: _ }) => {
  test.setTimeout(60_000);
  const list = new AdminSessions(page, stack.trail.url);
  for (const [at, payload] of PAYLOADS.entries()) {
    const headers = { "x-forwarded-for": "198.18.3.1", "user-agent": payload };
    const plain = payload.replaceAll(" ", "/");
    // Encoded as a browser does.
    const url = new URL(`/admin/${plain}?hostile=${at}&q=${plain}`, stack.trail.panel("django"));
    await send(url.origin, url.pathname + url.search, headers);
  }
  await stack.api.until("ip:198.18.3.1 query:hostile", PAYLOADS.length);
  await lookAtEverything(page, list, "ip:198.18.3.1");
  await list.open({ q: "ip:198.18.3.1", order: "asc", limit: "100" });
  const urls = await list.urls();
  for (const [at, payload] of PAYLOADS.entries()) {
    expect(decodeURIComponent(urls[at] ?? ""), payload).toContain(payload.replaceAll(" ", "/"));
    await list.openRow(list.rows.nth(at));
    await expect(list.drawer).toContainText(payload);
  }
});

test("scripts tried as a user name show as text", async ({ page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  const names = PAYLOADS.map((payload) => new URLSearchParams({ username: payload, password: "x" }).toString());
  for (const body of names) {
    await send(
      stack.trail.panel("django"),
      "/admin/login/",
      { "x-forwarded-for": "198.18.3.2", "content-type": "application/x-www-form-urlencoded" },
      body,
    );
  }
  await stack.api.until("ip:198.18.3.2", PAYLOADS.length);
  await lookAtEverything(page, list, "ip:198.18.3.2");
});

test("scripts in every field of an imported event show as text, in every overview", async ({ page, stack }) => {
  test.setTimeout(60_000);
  const list = new AdminSessions(page, stack.trail.url);
  const events = PAYLOADS.map((payload, at) => ({
    time: ago(at + 1),
    method: "POST",
    path: `/${payload}`,
    query: payload,
    admin: payload,
    admin_name: payload,
    acting_as: payload,
    user_agent: payload,
    action: payload,
    object: payload,
    route: payload,
    host: payload,
    ip: "198.18.3.3",
    session: `${at}`.padStart(32, "0"),
    status: 200,
  }));
  const tries = PAYLOADS.map((payload, at) => ({
    time: ago(at + 20),
    method: "POST",
    path: "/login",
    known_by: "attempt",
    attempted: payload,
    action: `Failed sign-in as ${payload}`,
    status: 401,
  }));
  await stack.trail.take("hostile", [...events, ...tries]);
  await lookAtEverything(page, list, "panel:hostile");
  await list.open({ q: "panel:hostile method:POST path:/login", order: "asc" });
  await expect(list.row(PAYLOADS[0] ?? "")).not.toHaveCount(0);
  // A filter made of a payload is a filter, and a mistake in it is shown as text.
  for (const payload of PAYLOADS) {
    await list.open({ q: payload });
    await expect(list.box).toHaveValue(payload);
    await list.open({ q: `status:"${payload.replaceAll('"', "")}"` });
    await expect(page.locator("#q-error")).toBeVisible();
  }
  expect(await page.evaluate(() => "pwned" in window)).toBe(false);
});

test("control bytes, line breaks and turned text are shown encoded", async ({ page, stack }) => {
  const list = new AdminSessions(page, stack.trail.url);
  await stack.trail.take("control", [
    { time: ago(3), method: "GET", path: "/a\r\nSet-Cookie: x=1", status: 200 },
    { time: ago(2), method: "GET", path: "/b\u001b[31mred", status: 200 },
    { time: ago(1), method: "GET", path: "/c\u202efdp.exe", status: 200 },
  ]);
  await list.open({ q: "panel:control", order: "asc" });
  const urls = await list.urls();
  expect(urls[0]).toContain("/a%0D%0ASet-Cookie");
  expect(urls[1]).toContain("/b%1B[31mred");
  expect(urls[2]).not.toContain("\u202e");
});
