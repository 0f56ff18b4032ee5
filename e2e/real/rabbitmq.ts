/** RabbitMQ with its management plugin as Debian ships it: a node, a name service and a cookie of its own. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { freePort, start as run } from "../stack/processes.ts";
import { installed, type RealPanel, type Seen } from "../stack/real.ts";

export const OLENA = { name: "olena", password: "olena-Rabbit-pass-2026", tags: "administrator" };
export const TOM = { name: "tom", password: "tom-Rabbit-pass-2026", tags: "administrator" };
/** May look at everything, and change nothing. */
export const INES = { name: "ines", password: "ines-Rabbit-pass-2026", tags: "monitoring" };

const LIBRARY = "/usr/lib/rabbitmq/lib";
const COOKIE = "COOKIEOFTHISTESTONLY4711";

export function available(): boolean {
  return server() !== undefined && nameService() !== undefined;
}

export interface RabbitMq extends RealPanel {
  /** What its access log says: paths without their query. */
  log(): Promise<Seen[]>;
  /** Where clients connect. */
  amqp: string;
}

export async function start(folder: string): Promise<RabbitMq> {
  const program = server();
  const names = nameService();
  if (program === undefined || names === undefined) throw new Error("rabbitmq-server is not installed");
  const [amqp, http, distribution, epmd] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const at = (...parts: string[]) => path.join(folder, ...parts);
  mkdirSync(at("home"));
  writeFileSync(at("home/.erlang.cookie"), COOKIE, { mode: 0o400 });
  writeFileSync(at("enabled_plugins"), "[rabbitmq_management].\n");
  writeFileSync(at("rabbitmq-env.conf"), "");
  writeFileSync(at("definitions.json"), JSON.stringify(definitions()));
  writeFileSync(
    at("rabbitmq.conf"),
    [
      `listeners.tcp.1 = 127.0.0.1:${amqp}`,
      "management.tcp.ip = 127.0.0.1",
      `management.tcp.port = ${http}`,
      `management.load_definitions = ${at("definitions.json")}`,
      `management.http_log_dir = ${at("access")}`,
      "",
    ].join("\n"),
  );
  // Started by hand: a node that finds none starts one that outlives it.
  const register = run("real-rabbitmq-epmd", names, ["-port", `${epmd}`, "-address", "127.0.0.1"]);
  const node = run("real-rabbitmq", program, [], {
    HOME: at("home"),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: `${epmd}`,
    RABBITMQ_CONF_ENV_FILE: at("rabbitmq-env.conf"),
    RABBITMQ_CONFIG_FILE: at("rabbitmq.conf"),
    RABBITMQ_DIST_PORT: `${distribution}`,
    RABBITMQ_ENABLED_PLUGINS_FILE: at("enabled_plugins"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_LOG_BASE: at("log"),
    RABBITMQ_MNESIA_BASE: at("mnesia"),
    RABBITMQ_NODENAME: `admintrail-${http}@localhost`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  });
  const stop = async () => {
    await node.stop();
    await register.stop();
  };
  try {
    await node.says(/Server startup complete/, 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${http}`,
    amqp: `amqp://${OLENA.name}:${OLENA.password}@127.0.0.1:${amqp}//`,
    secrets: [OLENA.password, TOM.password, INES.password, COOKIE],
    log: async () => accessLog(at("access")),
    stop,
  };
}

function definitions(): object {
  const people = [OLENA, TOM, INES];
  const permissions = people.map(({ name, tags }) => {
    const configure = tags === "administrator" ? ".*" : "^$";
    return { user: name, vhost: "/", configure, write: ".*", read: ".*" };
  });
  return {
    users: people,
    vhosts: [{ name: "/" }],
    permissions,
  };
}

function accessLog(folder: string): Seen[] {
  const lines = readdirSync(folder).flatMap((file) => readFileSync(path.join(folder, file), "utf8").split("\n"));
  return lines.flatMap((line) => {
    const [, method, url] = /"([A-Z]+) (\S+) HTTP\//.exec(line) ?? [];
    return method === undefined || url === undefined ? [] : [{ method, url }];
  });
}

function server(): string | undefined {
  return newest(LIBRARY, /^rabbitmq_server-/, "sbin/rabbitmq-server");
}

function nameService(): string | undefined {
  return newest("/usr/lib/erlang", /^erts-/, "bin/epmd");
}

function newest(folder: string, name: RegExp, file: string): string | undefined {
  if (!installed(folder)) return undefined;
  const found = readdirSync(folder).filter((entry) => name.test(entry));
  return found.sort().map((entry) => path.join(folder, entry, file)).filter((it) => installed(it)).at(-1);
}
