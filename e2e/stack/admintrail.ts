/** The product: one running server, and its commands on the same data folder. */

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { type Answer, E2E, freePort, type Program, run, start } from "./processes.ts";

export const BINARY =
  process.env.ADMINTRAIL_BIN ?? path.resolve(E2E, "../target/debug/admintrail");

/** A panel as `--panel` takes it. */
export interface PanelOptions {
  name: string;
  upstream: string;
  preset?: string;
  trusted_proxies?: string;
  /** What only a file can say of it, as TOML. */
  settings?: string;
}

export interface Options {
  /** Name of the log in `artifacts/logs`. */
  name: string;
  /** The data folder. */
  data: string;
  panels: PanelOptions[];
  /** Further arguments of `serve`. */
  args?: string[];
  /** Variables of its environment. */
  environment?: Record<string, string>;
  /** The largest file it may write, in KiB: what a full disk does, without one. */
  largestFile?: number;
  /** Ports of an earlier run, to come back at the same addresses. */
  ports?: { own: number; panels: Record<string, number> };
}

/** An event as the API and NDJSON show it. */
export interface EventJson {
  id: string;
  seq: number;
  kind: string;
  time: string;
  panel: string;
  admin?: string | null;
  admin_name?: string | null;
  known_by: string;
  attempted?: string | null;
  acting_as?: string | null;
  ip?: string | null;
  user_agent?: string | null;
  session?: string | null;
  type: string;
  method: string;
  scheme?: string | null;
  host?: string | null;
  path: string;
  query?: string | null;
  route?: string | null;
  action: string;
  object?: string | null;
  status?: number | null;
  outcome: string;
  ending: string;
  duration_us?: number | null;
  request_bytes?: number | null;
  response_bytes?: number | null;
  asset?: boolean;
  polling?: boolean;
  first?: string[];
}

export class Admintrail {
  readonly #options: Options;
  readonly ports: { own: number; panels: Record<string, number> };
  program: Program;

  private constructor(options: Options, ports: Admintrail["ports"]) {
    this.#options = options;
    this.ports = ports;
    this.program = this.#start();
  }

  /** Starts a server and waits until it answers. */
  static async start(options: Options): Promise<Admintrail> {
    const ports = options.ports ?? { own: await freePort(), panels: {} };
    for (const panel of options.panels) ports.panels[panel.name] ??= await freePort();
    mkdirSync(path.dirname(options.data), { recursive: true });
    const server = new Admintrail(options, ports);
    await server.#answers();
    return server;
  }

  /** The address of its pages. */
  get url(): string {
    return `http://127.0.0.1:${this.ports.own}`;
  }

  get data(): string {
    return this.#options.data;
  }

  /** Where a panel is reached through it. */
  panel(name: string): string {
    const port = this.ports.panels[name];
    if (port === undefined) throw new Error(`there is no panel ${name}`);
    return `http://127.0.0.1:${port}`;
  }

  /** Starts it again where it was, after it was stopped or killed. */
  async again(): Promise<void> {
    this.program = this.#start();
    await this.#answers();
  }

  /** Runs a command on its data folder. */
  command(args: string[], input = ""): Promise<Answer> {
    return run(BINARY, [...args, "--data", this.data], input);
  }

  /** Runs a command that has to succeed; returns what it printed. */
  async ok(args: string[], input = ""): Promise<string> {
    const answer = await this.command(args, input);
    if (answer.code !== 0) {
      throw new Error(`admintrail ${args.join(" ")} ended with ${answer.code}:\n${answer.stderr}`);
    }
    return answer.stdout;
  }

  /** A new API token. */
  async token(name: string, scope: "read" | "ingest", panel?: string): Promise<string> {
    const bound = panel === undefined ? [] : ["--panel", panel];
    const said = await this.ok(["token", "create", "--name", name, "--scope", scope, ...bound]);
    const words = said.split(/\s+/).filter((word) => /^[\w-]{20,}$/.test(word));
    const token = words.at(-1);
    if (token === undefined) throw new Error(`no token in ${said}`);
    return token;
  }

  /** Takes events over through the command line, as a user with a file would. */
  async take(panel: string, events: object[]): Promise<void> {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    await this.ok(["import", "-", "--panel", panel, "--format", "ndjson"], lines);
  }

  /** Lifts the limit of `largestFile`: there is room again. */
  async makeRoom(): Promise<void> {
    const answer = await run("prlimit", ["--pid", String(this.program.id), "--fsize=unlimited"]);
    if (answer.code !== 0) throw new Error(answer.stderr);
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  #start(): Program {
    const given = this.#options.panels;
    const inFile = given.filter((panel) => panel.settings !== undefined);
    const panels = given.filter((panel) => panel.settings === undefined).flatMap((panel) => {
      const words = [
        `name=${panel.name}`,
        `upstream=${panel.upstream}`,
        `listen=127.0.0.1:${this.ports.panels[panel.name]}`,
        `preset=${panel.preset ?? "django-admin"}`,
      ];
      if (panel.trusted_proxies) words.push(`trusted_proxies=${panel.trusted_proxies}`);
      return ["--panel", words.join(",")];
    });
    const own = ["--data", this.data, "--listen", `127.0.0.1:${this.ports.own}`];
    if (inFile.length > 0) {
      const sections = inFile.map((panel) =>
        [
          "[[panel]]",
          `name = "${panel.name}"`,
          `upstream = "${panel.upstream}"`,
          `listen = "127.0.0.1:${this.ports.panels[panel.name]}"`,
          `preset = "${panel.preset ?? "generic"}"`,
          panel.settings,
        ].join("\n"),
      );
      const file = `${this.data}.toml`;
      writeFileSync(file, `version = 1\n${sections.join("\n")}\n`);
      own.push("--config", file);
    }
    const args = ["serve", ...own, ...panels, ...(this.#options.args ?? [])];
    const { name, largestFile, environment } = this.#options;
    if (largestFile === undefined) return start(name, BINARY, args, environment);
    // Ignoring XFSZ makes the write fail (EFBIG) instead of ending the program.
    const limited = `trap '' XFSZ; ulimit -S -f ${largestFile * 2}; exec "$0" "$@"`;
    return start(name, "sh", ["-c", limited, BINARY, ...args], environment);
  }

  async #answers(): Promise<void> {
    for (const until = Date.now() + 20_000; Date.now() < until; ) {
      if (!this.program.running()) break;
      const answer = await fetch(`${this.url}/healthz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.program.stop();
    throw new Error(`admintrail did not come up:\n${this.program.said()}`);
  }
}
