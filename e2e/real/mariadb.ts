/** A MariaDB of the test's own: its own folder, a socket in it, no port; ended by its process id. */

import path from "node:path";

import { type Program, run, start } from "../stack/processes.ts";
import { installed, type RealPanel } from "../stack/real.ts";
import type { PhpServer } from "./php.ts";

export interface MariaDb {
  socket: string;
  /** Runs statements as its root. */
  sql(statements: string): Promise<void>;
  stop(): Promise<void>;
}

const SERVER = "/usr/sbin/mariadbd";
const INSTALL = "/usr/bin/mariadb-install-db";
const CLIENT = "/usr/bin/mariadb";

export function mariaDbInstalled(): boolean {
  return installed(SERVER, INSTALL, CLIENT);
}

async function startMariaDb(name: string, folder: string): Promise<MariaDb> {
  const data = path.join(folder, "mysql");
  const socket = path.join(folder, "mysql.sock");
  // As root it would refuse to run; anybody else runs it as themselves.
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const own = ["--no-defaults", `--datadir=${data}`, ...user];
  const made = await run(INSTALL, [...own, "--auth-root-authentication-method=normal", "--skip-test-db"]);
  if (made.code !== 0) throw new Error(`no database: ${made.stdout}${made.stderr}`);
  const program: Program = start(`real-${name}-mariadb`, SERVER, [
    ...own,
    `--socket=${socket}`,
    `--pid-file=${path.join(folder, "mysql.pid")}`,
    "--skip-networking",
    "--skip-log-bin",
    // It is thrown away after the test.
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
  ]);
  await program.says(/ready for connections/, 30_000);
  return {
    socket,
    async sql(statements) {
      const answer = await run(CLIENT, ["--no-defaults", `--socket=${socket}`, "--user=root"], statements);
      if (answer.code !== 0) throw new Error(answer.stderr);
    },
    stop: () => program.stop(),
  };
}

/** A panel that PHP serves on a database of its own; both end together. */
export async function onMariaDb(
  name: string,
  folder: string,
  secrets: string[],
  serve: (database: MariaDb) => Promise<PhpServer>,
): Promise<RealPanel> {
  const database = await startMariaDb(name, folder);
  try {
    const server = await serve(database);
    return {
      url: server.url,
      secrets,
      accessLog: server.accessLog,
      async stop() {
        await server.stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}
