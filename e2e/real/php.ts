/** PHP's own server, in front of a folder. Its log is the panel's access log. */

import { existsSync, readFileSync } from "node:fs";

import type { Seen } from "../stack/real.ts";
import { freePort, type Program, run, start } from "../stack/processes.ts";

const PHP = "/usr/bin/php";

export interface PhpServer {
  url: string;
  accessLog(): Promise<Seen[]>;
  stop(): Promise<void>;
}

export function phpInstalled(): boolean {
  return existsSync(PHP);
}

/** `settings` are lines of php.ini. */
export async function startPhp(
  name: string,
  root: string,
  settings: Record<string, string> = {},
  router: string[] = [],
): Promise<PhpServer> {
  const port = await freePort();
  const ini = Object.entries(settings).flatMap(([key, value]) => ["-d", `${key}=${value}`]);
  const args = [...ini, "-S", `127.0.0.1:${port}`, "-t", root, ...router];
  // Pages ask for many things at once.
  const program: Program = start(`real-${name}-php`, PHP, args, { PHP_CLI_SERVER_WORKERS: "6" });
  await program.says(/Development Server \(.*\) started/);
  return {
    url: `http://127.0.0.1:${port}`,
    async accessLog() {
      const lines = program.said().matchAll(/ \[\d{3}\]: (?:\(null\) )?([A-Z]+) (\/\S*)/g);
      return [...lines].map(([, method = "", url = ""]) => ({ method, url }));
    },
    async stop() {
      // Its workers outlive it, whatever it is sent.
      const workers = workersOf(program);
      await program.stop();
      for (const worker of workers) {
        try {
          process.kill(worker, "SIGTERM");
        } catch {
          // It ended by itself.
        }
      }
    },
  };
}

function workersOf(program: Program): number[] {
  const { id } = program;
  const children = readFileSync(`/proc/${id}/task/${id}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

/** Runs a script to its end and returns what it printed. */
export async function php(args: string[], input = ""): Promise<string> {
  const answer = await run(PHP, args, input);
  if (answer.code !== 0) throw new Error(`php ${args.join(" ")}: ${answer.stdout}${answer.stderr}`);
  return answer.stdout;
}
