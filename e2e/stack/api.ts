/** Admintrail's JSON API, as a program with a read token sees it. */

import type { Admintrail, EventJson } from "./admintrail.ts";

export interface EventsAnswer {
  events: EventJson[];
  newer: string | null;
  older: string | null;
  total: { value: number; relation: "eq" | "gte" };
  hidden: number;
}

export class Api {
  readonly #server: Admintrail;
  readonly #token: string;

  constructor(server: Admintrail, token: string) {
    this.#server = server;
    this.#token = token;
  }

  get(path: string, parameters: Record<string, string> = {}): Promise<Response> {
    const url = new URL(path, this.#server.url);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return fetch(url, { headers: { authorization: `Bearer ${this.#token}` } });
  }

  async events(q: string, parameters: Record<string, string> = {}): Promise<EventsAnswer> {
    const answer = await this.get("/api/v1/events", { q, limit: "500", ...parameters });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as EventsAnswer;
  }

  /** Waits until as many events match, and returns them, oldest first. */
  async until(q: string, count: number, timeout = 5_000): Promise<EventJson[]> {
    let found: EventJson[] = [];
    for (const end = Date.now() + timeout; Date.now() < end; ) {
      found = (await this.events(q, { order: "asc" })).events;
      if (found.length >= count) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const seen = found.map((event) => `${event.method} ${event.path} ${event.action}`);
    throw new Error(`${found.length} instead of ${count} events match ${q}:\n${seen.join("\n")}`);
  }
}
