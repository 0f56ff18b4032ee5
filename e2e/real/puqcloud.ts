/**
 * A panel with the routes of PUQcloud, which is no free software: pages under /admin that scripts
 * fill from an API under /admin/api. Its session cookie keeps one value through sign-in, sign-out
 * and the next admin, and every response sets it again; the bell asks every 5 seconds.
 */

import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { RealPanel } from "../stack/real.ts";

export const OLENA = { name: "olena@hosting.example", password: "olena-Cloud-pass-2026" };
export const TOM = { name: "tom@hosting.example", password: "tom-Cloud-pass-2026" };
/** May look at everything, and change nothing. */
export const INES = { name: "ines@hosting.example", password: "ines-Cloud-pass-2026" };

const PEOPLE = [OLENA, TOM, INES];

/** Things of one kind; the API lists them under the plural. */
interface Thing {
  uuid: string;
  name: string;
  status: string;
  /** Of a DNS zone. */
  records: Thing[];
}

/** Plural, singular, and the first of them. */
const KINDS: [string, string, string[]][] = [
  ["admins", "admin", ["Olena", "Tom", "Ines"]],
  ["groups", "group", ["Support"]],
  ["clients", "client", ["Northwind", "Contoso"]],
  ["services", "service", ["web-01"]],
  ["products", "product", ["Hosting S"]],
  ["invoices", "invoice", ["2026-0001"]],
  ["dns_zones", "dns_zone", ["northwind.example"]],
  ["add_ons/modules", "add_ons/module", ["DnsServer"]],
];

const LOGS = ["activity_logs", "module_logs", "admin_session_logs"];

export async function start(): Promise<RealPanel> {
  const panel = new Panel();
  const server = createServer((request, response) => void panel.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secrets: PEOPLE.map((person) => person.password),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Session {
  admin?: string;
  /** Whom the admin is logged in as. */
  client?: string;
}

class Panel {
  readonly sessions = new Map<string, Session>();
  readonly things = new Map(KINDS.map(([, one, names]) => [one, names.map(thing)]));

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const { pathname } = new URL(url, "http://panel");
    const held = /puqcloud_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const id = this.sessions.has(held) ? held : randomBytes(20).toString("hex");
    const session = this.sessions.get(id) ?? {};
    this.sessions.set(id, session);
    response.setHeader("set-cookie", [
      `puqcloud_session=${id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=7200`,
      `XSRF-TOKEN=${randomBytes(20).toString("hex")}; Path=/; SameSite=Lax; Max-Age=7200`,
    ]);
    const json = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const page = (body: string) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(body);
    const lead = (to: string) => response.writeHead(302, { location: to }).end();

    if (pathname === "/panel.js") return void response.writeHead(200, { "content-type": "text/javascript" }).end(SCRIPT);
    if (pathname === "/favicon.ico") return void response.writeHead(404).end();
    if (pathname === "/admin/login" && method === "POST") return this.signIn(session, await body(request), json);
    if (pathname === "/admin/login") return void page(SIGN_IN);
    if (session.admin === undefined) {
      return pathname.startsWith("/admin/api/") ? json(401, { message: "Unauthenticated." }) : void lead("/admin/login");
    }
    if (pathname === "/admin/api/logout") {
      delete session.admin;
      delete session.client;
      return json(200, { message: "Signed out" });
    }
    const [, client, deed] = /^\/admin\/client\/([\w-]+)\/(login_as_client_owner|return_to_admin)$/.exec(pathname) ?? [];
    if (deed === "login_as_client_owner") {
      session.client = client;
      return void lead("/");
    }
    if (deed === "return_to_admin") {
      delete session.client;
      return void lead(`/admin/client/${client}/summary`);
    }
    if (!pathname.startsWith("/admin")) return void page(clientArea(session, pathname));
    if (!pathname.startsWith("/admin/api/")) return void page(adminPage(session, pathname));
    if (method !== "GET" && session.admin === INES.name) return json(403, { message: "Permission denied" });
    return this.call(method, pathname.slice("/admin/api/".length), method === "GET" ? {} : await body(request), json);
  }

  signIn(session: Session, { email, password }: Record<string, string>, json: Answer): void {
    const known = PEOPLE.some((person) => person.name === email && person.password === password);
    if (!known) return json(401, { message: "Invalid email or password" });
    session.admin = email;
    json(200, { message: "Signed in", redirect: "/admin" });
  }

  /** A call of the API by somebody who is signed in. */
  call(method: string, path: string, sent: Record<string, string>, json: Answer): void {
    const kind = KINDS.find(([many]) => many === path);
    if (kind) return json(200, { data: this.things.get(kind[1]) });
    const [, one = "", uuid, rest] = /^((?:add_ons\/)?\w+?)(?:\/([0-9a-f-]{36})(?:\/(.+))?)?$/.exec(path) ?? [];
    const all = this.things.get(one);
    if (all === undefined) {
      // Own account, dashboard, settings, logs: one thing each.
      return json(200, { data: LOGS.includes(path) ? [thing("An entry")] : [], unread: 0 });
    }
    if (uuid === undefined) {
      all.push(thing(sent["name"] ?? "new"));
      return json(201, { data: all.at(-1) });
    }
    const found = all.find((it) => it.uuid === uuid);
    if (found === undefined) return json(404, { message: "Not found" });
    if (rest === "dns_record") found.records.push(thing(sent["name"] ?? "new"));
    else if (rest?.startsWith("dns_record/")) found.records = found.records.filter((it) => it.uuid !== rest.split("/")[1]);
    else if (rest !== undefined) found.status = `${rest}ed`;
    else if (method === "PUT") Object.assign(found, sent);
    else if (method === "DELETE") all.splice(all.indexOf(found), 1);
    return json(200, { data: rest === "dns_records" ? found.records : found });
  }
}

type Answer = (status: number, body: object) => void;

function thing(name: string): Thing {
  return { uuid: randomUUID(), name, status: "new", records: [] };
}

async function body(request: IncomingMessage): Promise<Record<string, string>> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString() || "{}") as Record<string, string>;
}

const HEAD = '<!doctype html><meta charset="utf-8"><title>Cloud</title><script src="/panel.js" defer></script>';

const SIGN_IN = `${HEAD}<h1>Sign in</h1><form id="sign-in">
  <label>Email <input name="email"></label> <label>Password <input name="password" type="password"></label>
  <button>Sign in</button><output></output></form>`;

/** Scripts fill a page from what its path says. */
function adminPage(session: Session, path: string): string {
  const links = [...KINDS.map(([many]) => many), ...LOGS, "general_settings", "my_account"];
  const menu = links.map((to) => `<a href="/admin/${to}">${to}</a>`).join(" ");
  return `${HEAD}<header>${menu} <span>${session.admin}</span> <button id="out">Sign out</button> <i id="bell"></i></header>
    <main data-path="${path.slice("/admin/".length)}"><ul></ul><output></output></main>`;
}

function clientArea(session: Session, path: string): string {
  if (session.client === undefined) return `${HEAD}<h1>Welcome</h1>`;
  return `${HEAD}<h1>Client area</h1><p>${path}</p><a href="/services">My services</a>
    <a href="/admin/client/${session.client}/return_to_admin">Return to admin</a>`;
}

const SCRIPT = `
const call = async (method, path, body) => {
  const token = /XSRF-TOKEN=(\\w+)/.exec(document.cookie)?.[1] ?? "";
  const headers = { "content-type": "application/json", accept: "application/json", "x-xsrf-token": token };
  const answer = await fetch("/admin/" + path, { method, headers, body: body && JSON.stringify(body) });
  return { ok: answer.ok, ...(await answer.json()) };
};
const say = (text) => { document.querySelector("output").textContent = text; };
const form = document.querySelector("#sign-in");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = await call("POST", "login", Object.fromEntries(new FormData(form)));
  if (said.ok) location.href = said.redirect; else say(said.message);
});
const main = document.querySelector("main");
const ring = async () => {
  const { unread } = await call("GET", "api/my_account/bell_notification");
  document.querySelector("#bell").textContent = unread;
};
const fill = async () => {
  const at = main.dataset.path;
  if (at === "" || at === undefined) return void call("GET", "api/dashboard");
  const [one, uuid, tab] = at.match(/^(\\w+)\\/([0-9a-f-]{36})(?:\\/(\\w+))?$/)?.slice(1) ?? [at];
  const { data = [] } = await call("GET", uuid ? "api/" + one + "/" + uuid + (tab === "dns_records" ? "/" + tab : "") : "api/" + at);
  const list = Array.isArray(data) ? data : [data];
  document.querySelector("ul").replaceChildren(...list.map(({ uuid, name, status }) => {
    const item = document.createElement("li");
    item.dataset.uuid = uuid;
    item.textContent = name + " " + status;
    return item;
  }));
};
if (main) {
  fill();
  ring();
  setInterval(ring, 5000);
  document.querySelector("#out").addEventListener("click", async () => {
    await call("GET", "api/logout");
    location.href = "/admin/login";
  });
  // What the buttons of its pages do.
  window.deed = async (method, path, body) => {
    const said = await call(method, "api/" + path, body);
    say(said.ok ? "Done" : said.message);
    await fill();
  };
}
`;
