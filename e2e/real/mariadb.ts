/** A MariaDB of the test's own: its own folder, a socket in it, no port; ended by its process id. */

import { existsSync } from "node:fs";
import path from "node:path";

import { type Program, run, start } from "../stack/processes.ts";

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
  return [SERVER, INSTALL, CLIENT].every((file) => existsSync(file));
}

export async function startMariaDb(name: string, folder: string): Promise<MariaDb> {
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
