/** Starts programs, keeps what they say in `artifacts/logs`, and ends them by their id. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";

export const E2E = path.resolve(import.meta.dirname, "..");
export const ARTIFACTS = path.join(E2E, "artifacts");

/** A program that runs until it is stopped. */
export interface Program {
  /** Its process id. */
  id: number | undefined;
  /** Everything it has said so far, on both of its outputs. */
  said(): string;
  /** Waits until it has said something that matches. */
  says(pattern: RegExp, timeout?: number): Promise<RegExpExecArray>;
  /** Whether it is still running. */
  running(): boolean;
  /** Asks it to end; after ten seconds ends it. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Starts a program; `name` is the name of its log. */
export function start(
  name: string,
  command: string,
  args: string[],
  environment: Record<string, string> = {},
): Program {
  const logs = path.join(ARTIFACTS, "logs");
  mkdirSync(logs, { recursive: true });
  const log = createWriteStream(path.join(logs, `${name}.log`), { flags: "a" });
  const child = spawn(command, args, {
    cwd: E2E,
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  }) as ChildProcessWithoutNullStreams;
  let said = "";
  let ended = false;
  const listeners = new Set<() => void>();
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
    log.write(chunk);
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const end = new Promise<void>((resolve) => {
    const settle = (note: string) => {
      if (ended) return;
      ended = true;
      said += note;
      log.end(note);
      for (const listener of listeners) listener();
      resolve();
    };
    child.on("error", (error) => settle(`could not start: ${error.message}\n`));
    child.on("exit", (code, signal) => settle(`ended: ${code ?? signal}\n`));
  });
  return {
    id: child.pid,
    said: () => said,
    running: () => !ended,
    says(pattern, timeout = 15_000) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(said);
          if (found) settle(() => resolve(found));
          else if (ended) settle(() => reject(new Error(`${name} ended without saying ${pattern}:\n${said}`)));
        };
        const late = setTimeout(
          () => settle(() => reject(new Error(`${name} did not say ${pattern} in ${timeout} ms:\n${said}`))),
          timeout,
        );
        const settle = (finish: () => void) => {
          clearTimeout(late);
          listeners.delete(look);
          finish();
        };
        listeners.add(look);
        look();
      });
    },
    async stop() {
      if (ended) return;
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await end;
      clearTimeout(late);
    },
    async kill() {
      if (ended) return;
      child.kill("SIGKILL");
      await end;
    },
  };
}

/** What a program that ends by itself answered. */
export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export function run(command: string, args: string[], input = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: E2E, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** A port on loopback that nobody uses at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
