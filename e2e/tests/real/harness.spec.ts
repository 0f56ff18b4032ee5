/** The harness of the real panels tells what is wrong: each of its checks can fail. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, test } from "@playwright/test";

import type { EventJson } from "../../stack/admintrail.ts";
import { compare, type Counted, leaks, namedWrongly, notArrived, notNamed, startCounter } from "../../stack/real.ts";

function event(method: string, url: string, admin: string | null = null): EventJson {
  const [at = "", query] = url.split("?");
  return { method, path: at, query: query ?? null, admin, action: "" } as EventJson;
}

function counted(method: string, url: string, who: string | null = null): Counted {
  return { method, url, who };
}

test("what is not in the trail, and what only the trail knows, is named", () => {
  const requests = [counted("GET", "/a?x=1"), counted("GET", "/a?x=1"), counted("POST", "/b?token=s3cret")];
  const whole = [event("GET", "/a?x=1"), event("POST", "/b?token=[redacted]"), event("GET", "/a?x=1")];
  expect(compare(whole, requests)).toMatchObject({ unrecorded: [], invented: [] });
  expect(compare(whole.slice(1), requests).unrecorded).toEqual(["GET /a?x=1"]);
  expect(compare([...whole, event("GET", "/c")], requests).invented).toEqual(["GET /c"]);
});

test("a wrong name, and a missing one, is named", () => {
  const requests = [counted("GET", "/1", "olena"), counted("GET", "/2", null), counted("GET", "/3", "olena")];
  const found = compare([event("GET", "/1", "tom"), event("GET", "/2", "tom"), event("GET", "/3")], requests);
  expect(namedWrongly(found)).toEqual(["GET /1: tom instead of olena", "GET /2: tom instead of null"]);
  expect(notNamed(found)).toEqual(["GET /3:  (olena)"]);
});

test("a request of the browser that never arrived is named", () => {
  const seen = { method: "GET", url: "/a" };
  expect(notArrived([seen, seen], [seen])).toEqual(["GET /a"]);
  expect(notArrived([seen], [seen, seen])).toEqual([]);
});

test("a secret is found however it is spelled", () => {
  const secret = "anna|1764000000|Hx8Zk2Qm4Rt6Wv9Yp1";
  const folder = mkdtempSync(path.join(tmpdir(), "admintrail-leaks-"));
  for (const text of [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("hex"),
    "only the token: Hx8Zk2Qm4Rt6Wv9Yp1",
  ]) {
    writeFileSync(path.join(folder, "trail.db-wal"), `before ${text} after`);
    expect(leaks([secret], folder, ""), text).not.toEqual([]);
  }
  writeFileSync(path.join(folder, "trail.db-wal"), "before anna after 1764000000");
  expect(leaks([secret], folder, "")).toEqual([]);
  expect(leaks([secret], folder, `said ${secret}`)).not.toEqual([]);
  rmSync(folder, { recursive: true });
});

test("the counter passes everything on, and keeps what must not be stored", async () => {
  const panel = createServer((request, response) => {
    response.writeHead(201, [["set-cookie", "sid=first-cookie-value"], ["set-cookie", "lang=en-GB-utf8"], ["x-host", request.headers.host ?? ""]].flat());
    request.pipe(response);
  });
  await new Promise<void>((resolve) => panel.listen(0, "127.0.0.1", resolve));
  const counter = await startCounter(`http://127.0.0.1:${(panel.address() as AddressInfo).port}`, { harmless: /^lang$/ });
  counter.who("olena");
  const answer = await fetch(`${counter.url}/a%20b?c=d`, {
    method: "PUT",
    body: "hello",
    headers: { cookie: "sid=second-cookie-value; lang=pl-PL-utf8", authorization: "Bearer third-value" },
  });
  expect([answer.status, await answer.text()]).toEqual([201, "hello"]);
  expect(answer.headers.get("x-host")).toBe(new URL(counter.url).host);
  expect(answer.headers.getSetCookie()).toHaveLength(2);
  expect(counter.requests()).toEqual([{ method: "PUT", url: "/a%20b?c=d", who: "olena", status: 201 }]);
  expect(counter.secrets().sort()).toEqual(["first-cookie-value", "second-cookie-value", "third-value"]);
  await counter.quiet();
  await counter.stop();
  panel.close();
});
