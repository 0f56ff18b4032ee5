/**
 * Real panels: what reached one, held against what the trail says.
 *
 * Between Admintrail and the panel stands a plain relay, the counter. It notes every request, who
 * was signed in then (the test says so), and every value that must never be stored. Chromium's own
 * events tell what the browser sent. Nothing here knows how Admintrail finds out anything.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request as ask, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";

import type { Browser, BrowserContext, Request } from "@playwright/test";

import { Admintrail, type EventJson } from "./admintrail.ts";
import { Api } from "./api.ts";
import { addOwner, signedIn, type Stack } from "./test.ts";

/** A panel that runs for one test. */
export interface RealPanel {
  /** Where it listens itself. */
  url: string;
  /** Passwords and keys that it was set up with; none may be stored by Admintrail. */
  secrets: string[];
  stop(): Promise<void>;
  /** What its own access log says, in order, if it has one. */
  accessLog?(): Promise<Seen[]>;
}

export interface Seen {
  method: string;
  /** Path and query as sent. */
  url: string;
}

/** A request that reached the panel. */
export interface Counted extends Seen {
  /** Who was signed in, as the test said; `null`: nobody; `undefined`: not known. */
  who: string | null | undefined;
  /** What the panel answered. */
  status?: number;
  /** It became a tunnel (WebSocket), for which the trail has an event at its end, too. */
  switched?: boolean;
}

export interface Counter {
  url: string;
  requests(): Counted[];
  /** From here on this admin is signed in, or nobody is (`null`). */
  who(admin: string | null): void;
  /** Nobody is from the moment on when a request like this ("GET /logout…") is answered. */
  untilAnswered(request: RegExp): void;
  /** Cookies (each value that was ever set or sent) and credentials that went by. */
  secrets(): string[];
  /** Waits until no request is under way for a moment. */
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

export interface CounterOptions {
  /** Names of cookies that hold no secret: a language, a width of a column. */
  harmless?: RegExp;
  /**
   * Paths that anybody gets, and that the panel's pages ask for without a credential: whose
   * request it is cannot be known, and whoever names one has guessed.
   */
  open?: RegExp;
}

/** Starts a relay in front of a panel. `Host` and everything else pass as they came. */
export async function startCounter(upstream: string, options: CounterOptions = {}): Promise<Counter> {
  const target = new URL(upstream);
  const counted: Counted[] = [];
  const secrets = new Set<string>();
  const sockets = new Set<Duplex>();
  let now: string | null = null;
  let ending: RegExp | undefined;
  let under = 0;
  let last = Date.now();

  const keep = (name: string, value: string) => {
    if (!options.harmless?.test(name) && value.length >= 8) secrets.add(value);
  };
  const note = (incoming: IncomingMessage): Counted => {
    const url = incoming.url ?? "";
    // Scripts that have no credential may send the header all the same, with "null" in it.
    const credentials = incoming.headers.authorization?.split(" ")[1];
    const anybodys = credentials === undefined && options.open?.test(url);
    const entry: Counted = { method: incoming.method ?? "", url, who: anybodys ? null : now };
    counted.push(entry);
    for (const pair of (incoming.headers.cookie ?? "").split(";")) {
      const [name = "", value = ""] = splitOnce(pair.trim(), "=");
      keep(name, value);
    }
    if (credentials !== undefined) secrets.add(credentials);
    return entry;
  };
  const learn = (answer: IncomingMessage) => {
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [name = "", value = ""] = splitOnce(line.split(";")[0] ?? "", "=");
      if (value !== "deleted") keep(name, value);
    }
  };
  const outgoing = (incoming: IncomingMessage) =>
    ask({
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.rawHeaders,
      setHost: false,
      agent: false,
    });

  const relay = (incoming: IncomingMessage, response: ServerResponse) => {
    const entry = note(incoming);
    under += 1;
    response.on("close", () => {
      under -= 1;
      last = Date.now();
    });
    const onward = outgoing(incoming);
    onward.on("response", (answer) => {
      entry.status = answer.statusCode;
      learn(answer);
      if (ending?.test(`${entry.method} ${entry.url}`)) {
        now = null;
        ending = undefined;
      }
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    incoming.pipe(onward);
  };

  const tunnel = (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    const entry = note(incoming);
    sockets.add(client);
    const onward = outgoing(incoming);
    onward.on("upgrade", (answer: IncomingMessage, panel: Socket, first: Buffer) => {
      entry.switched = true;
      entry.status = 101;
      sockets.add(panel);
      const lines = pairs(answer.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      client.write(first);
      panel.write(head);
      client.pipe(panel).pipe(client);
      client.on("error", () => panel.destroy());
      panel.on("error", () => client.destroy());
    });
    onward.on("response", (answer) => {
      entry.status = answer.statusCode;
      const lines = pairs(answer.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
      client.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${lines.join("")}\r\n`);
      answer.pipe(client);
    });
    onward.on("error", () => client.destroy());
    onward.end();
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, relay);
  server.on("upgrade", tunnel);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => counted,
    who: (admin) => (now = admin),
    untilAnswered: (request) => (ending = request),
    secrets: () => [...secrets],
    async quiet() {
      for (const end = Date.now() + 10_000; Date.now() < end; ) {
        if (under === 0 && Date.now() - last > 300) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error("the panel is never quiet");
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a browser sent to one origin, as Chromium says. */
export interface Sent {
  requests(): Seen[];
  /** Those that were given up before an answer: they may have arrived or not. */
  givenUp(): Seen[];
}

/** Watches a browser; its cache is off, so that each request has to go out. */
export function watchBrowser(context: BrowserContext, origin: string): Sent {
  const sent: Request[] = [];
  const failed = new Set<Request>();
  context.on("request", (request) => {
    if (request.url().startsWith(`${origin}/`)) sent.push(request);
  });
  context.on("requestfailed", (request) => failed.add(request));
  context.on("page", async (page) => {
    const session = await context.newCDPSession(page).catch(() => undefined);
    await session?.send("Network.enable").catch(() => {});
    await session?.send("Network.setCacheDisabled", { cacheDisabled: true }).catch(() => {});
  });
  const seen = (request: Request): Seen => {
    const url = new URL(request.url());
    return { method: request.method(), url: url.pathname + url.search };
  };
  return {
    requests: () => sent.filter((request) => !failed.has(request)).map(seen),
    givenUp: () => sent.filter((request) => failed.has(request)).map(seen),
  };
}

/** What is wrong, one line each; empty: nothing. */
export interface Comparison {
  /** Requests that reached the panel, or left the browser, and are not in the trail. */
  unrecorded: string[];
  /** Events of requests that never reached the panel. */
  invented: string[];
  /** Each counted request and its event. */
  pairs: [Counted, EventJson][];
}

/** Finds each counted request's event: same method, same URL (where the trail hid nothing). */
export function compare(events: EventJson[], counted: Counted[]): Comparison {
  const left = new Set(events);
  const pairs: [Counted, EventJson][] = [];
  const open: Counted[] = [];
  const take = (entry: Counted, fits: (event: EventJson) => boolean): boolean => {
    for (const event of left) {
      if (event.method === entry.method && fits(event)) {
        left.delete(event);
        pairs.push([entry, event]);
        return true;
      }
    }
    return false;
  };
  // Exact ones first, so that a hidden value takes nobody else's event.
  for (const entry of counted) {
    if (!take(entry, (event) => urlOf(event) === entry.url)) open.push(entry);
  }
  const unrecorded = open.filter((entry) => !take(entry, (event) => hiddenFits(event, entry.url)));
  const ends = pairs.filter(([entry]) => entry.switched);
  for (const [entry] of ends) {
    const closing = [...left].find((event) => event.status === 101 && hiddenFits(event, entry.url));
    if (closing) left.delete(closing);
  }
  const line = (seen: Seen) => `${seen.method} ${seen.url}`;
  return {
    unrecorded: unrecorded.map(line),
    invented: [...left].map((event) => line({ method: event.method, url: urlOf(event) })),
    pairs,
  };
}

/**
 * Without the events of requests that the browser gave up before the panel was asked: they are on
 * record, rightly, and arrived nowhere.
 */
export function withoutGivenUp(events: EventJson[], counted: Seen[], givenUp: Seen[]): EventJson[] {
  const key = (seen: Seen) => `${seen.method} ${seen.url}`;
  const known = new Set(givenUp.map(key));
  const surplus = new Map<string, number>();
  const keyOf = (event: EventJson) => key({ method: event.method, url: urlOf(event) });
  for (const event of events) surplus.set(keyOf(event), (surplus.get(keyOf(event)) ?? 0) + 1);
  for (const seen of counted) surplus.set(key(seen), (surplus.get(key(seen)) ?? 0) - 1);
  return events.filter((event) => {
    const more = surplus.get(keyOf(event)) ?? 0;
    const left = event.status === null && event.ending === "dropped";
    if (more <= 0 || !left || !known.has(keyOf(event))) return true;
    surplus.set(keyOf(event), more - 1);
    return false;
  });
}

/** Requests of the browser that are not among those that arrived. */
export function notArrived(sent: Seen[], counted: Seen[]): string[] {
  const arrived = new Map<string, number>();
  const key = (seen: Seen) => `${seen.method} ${seen.url}`;
  for (const seen of counted) arrived.set(key(seen), (arrived.get(key(seen)) ?? 0) + 1);
  const missing: string[] = [];
  for (const seen of sent) {
    const count = arrived.get(key(seen)) ?? 0;
    if (count === 0) missing.push(key(seen));
    else arrived.set(key(seen), count - 1);
  }
  return missing;
}

/** Requests whose event names another admin than was signed in, or one where nobody was. */
export function namedWrongly(found: Comparison): string[] {
  return found.pairs
    .filter(([entry, event]) => (event.admin ?? null) !== null && event.admin !== entry.who)
    .map(([entry, event]) => `${entry.method} ${entry.url}: ${event.admin} instead of ${entry.who}`);
}

/** Requests of somebody signed in whose event names nobody. */
export function notNamed(found: Comparison): string[] {
  return found.pairs
    .filter(([entry, event]) => typeof entry.who === "string" && (event.admin ?? null) === null)
    .map(([entry, event]) => `${entry.method} ${entry.url}: ${event.action} (${entry.who})`);
}

/** The secret as it may be written down: as it is, decoded, encoded, in base 64 or as hex. */
function spellings(secret: string): string[] {
  const decoded = tryDecode(secret);
  // A signed cookie says name, expiry, token and signature; each long part counts by itself.
  const parts = decoded.split(/[|.:&"\s]|%7C/i).filter((part) => part.length >= 16);
  const texts = new Set([secret, decoded, ...parts]);
  const all = new Set<string>();
  for (const text of texts) {
    const bytes = Buffer.from(text);
    for (const form of [text, encodeURIComponent(text), bytes.toString("hex")]) {
      all.add(form);
      all.add(form.toLowerCase());
    }
    // Without the last group, which depends on what follows.
    const base64 = bytes.toString("base64").replace(/.{0,3}=*$/, "");
    all.add(base64);
    all.add(base64.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...all].filter((text) => text.length >= 8);
}

/** Where one of the secrets can be read: files of the data folder (as they are now), and the log. */
export function leaks(secrets: string[], folder: string, said: string): string[] {
  const places: [string, Buffer][] = [["the log", Buffer.from(said)]];
  const walk = (at: string) => {
    for (const name of readdirSync(at)) {
      const file = path.join(at, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat?.isDirectory()) walk(file);
      else if (stat?.isFile()) places.push([file, readFileSync(file)]);
    }
  };
  walk(folder);
  const found: string[] = [];
  for (const secret of new Set(secrets)) {
    for (const text of spellings(secret)) {
      for (const [place, bytes] of places) {
        if (bytes.includes(text)) found.push(`${secret} (as ${text}) in ${place}`);
      }
    }
  }
  return found;
}

/** A real panel behind the counter behind Admintrail. */
export interface RealStack {
  name: string;
  panel: RealPanel;
  counter: Counter;
  trail: Admintrail;
  api: Api;
  owner: Stack["owner"];
  /** Where the browser goes. */
  url: string;
  /** All events of the panel, oldest first, once as many are there as were counted. */
  events(): Promise<EventJson[]>;
  stop(): Promise<void>;
}

export interface RealOptions extends CounterOptions {
  /** Name of the panel in Admintrail, of its logs, and of its preset if no other is given. */
  name: string;
  preset?: string;
  /** What the panel's section of the configuration says beside, as TOML. */
  settings?: (panel: RealPanel) => string;
  start: (folder: string) => Promise<RealPanel>;
}

/** Starts all of it. The server logs everything it can, since none of it may hold a secret. */
export async function standUp(browser: Browser, options: RealOptions): Promise<RealStack> {
  const { name } = options;
  const folder = mkdtempSync(path.join(tmpdir(), `admintrail-${name}-`));
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    for (const end of stops.reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    mkdirSync(path.join(folder, "panel"));
    const panel = await options.start(path.join(folder, "panel"));
    stops.push(() => panel.stop());
    const counter = await startCounter(panel.url, options);
    stops.push(() => counter.stop());
    const trail = await Admintrail.start({
      name: `real-${name}-admintrail`,
      data: path.join(folder, "data"),
      panels: [{ name, upstream: counter.url, preset: options.preset ?? name, settings: options.settings?.(panel) }],
      environment: { ADMINTRAIL_LOG: "trace" },
    });
    stops.push(() => trail.stop());
    await addOwner(trail);
    const api = new Api(trail, await trail.token("e2e", "read"));
    const owner = await signedIn(browser, trail);
    const events = async () => {
      await counter.quiet();
      const wanted = counter.requests().length;
      let found: EventJson[] = [];
      for (const end = Date.now() + 5_000; Date.now() < end; ) {
        found = await all(api, `panel:${name}`);
        if (found.length >= wanted) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return found;
    };
    return { name, panel, counter, trail, api, owner, url: trail.panel(name), events, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Every event that matches, oldest first, over as many pages as it takes. */
async function all(api: Api, q: string): Promise<EventJson[]> {
  const events: EventJson[] = [];
  let cursor: string | null = null;
  do {
    const more: Record<string, string> = cursor === null ? {} : { cursor };
    const page = await api.events(q, { order: "asc", ...more });
    events.push(...page.events);
    // In ascending order the next page holds the newer ones.
    cursor = page.events.length < 500 ? null : page.newer;
  } while (cursor !== null);
  return events.filter((event) => event.kind === "request");
}

/** Everything that must hold for a real panel, as lists that have to be empty. */
export async function bars(stack: RealStack, sent: Sent, known: string[]): Promise<Record<string, string[]>> {
  const counted = stack.counter.requests();
  const events = withoutGivenUp(await stack.events(), counted, sent.givenUp());
  const found = compare(events, counted);
  const log = (await stack.panel.accessLog?.()) ?? [];
  const secrets = [...known, ...stack.panel.secrets, ...stack.counter.secrets()];
  if (secrets.length < 4) throw new Error("a panel has more secrets than these; were they noted?");
  return {
    "left the browser and never arrived": notArrived(sent.requests(), counted),
    "in the panel's access log, not in the trail": compare(events, log.map((seen) => ({ ...seen, who: undefined }))).unrecorded,
    "reached the panel, not in the trail": found.unrecorded,
    "in the trail, never reached the panel": found.invented,
    "named wrongly": namedWrongly(found),
    "signed in, not named": notNamed(found),
    "secrets that can be read": leaks(secrets, stack.trail.data, stack.trail.program.said()),
  };
}

/** Events in the order of a person's deeds: what pages load and repeat by themselves is left out. */
export function deeds(events: EventJson[]): EventJson[] {
  return events.filter((event) => !event.asset && !event.polling);
}

/** Whether each of these files is there: what a package brings that may be missing. */
export function installed(...files: string[]): boolean {
  return files.every((file) => existsSync(file));
}

function urlOf(event: EventJson): string {
  return event.query == null ? event.path : `${event.path}?${event.query}`;
}

/** Whether the event's URL is this one, with a value hidden. */
function hiddenFits(event: EventJson, url: string): boolean {
  const shown = urlOf(event);
  const pattern = shown.split("[redacted]").map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`, "s").test(url);
}

function pairs(raw: string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] ?? "", raw[2 * at + 1] ?? ""]);
}

function splitOnce(text: string, at: string): [string, string] {
  const found = text.indexOf(at);
  return found < 0 ? [text, ""] : [text.slice(0, found), text.slice(found + 1)];
}

function tryDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
