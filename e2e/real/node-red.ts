/** Node-RED as npm ships it: JSON in, a bearer token out, and a call that revokes it. */

import { createRequire } from "node:module";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { E2E, freePort, start as run } from "../stack/processes.ts";
import { installed, type RealPanel } from "../stack/real.ts";

export const OLENA = { name: "olena", password: "olena-Red-pass-2026", permissions: "*" };
export const TOM = { name: "tom", password: "tom-Red-pass-2026", permissions: "*" };
/** May look at everything, and change nothing. */
export const INES = { name: "ines", password: "ines-Red-pass-2026", permissions: "read" };

/** What flows' passwords are encrypted with. */
const SECRET = "credential-secret-of-this-test-2026";

const FLOW = "f10a1b2c3d4e5f60";
export const BUTTON = "b10a1b2c3d4e5f61";
const COUNT = "c10a1b2c3d4e5f62";
export const SHOW = "d10a1b2c3d4e5f63";
export const REQUEST = "e10a1b2c3d4e5f64";

const FOLDER = path.join(E2E, "real/node-red");
const PROGRAM = path.join(FOLDER, "node_modules/node-red/red.js");

export function available(): boolean {
  return installed(PROGRAM);
}

export async function start(folder: string): Promise<RealPanel> {
  const port = await freePort();
  const home = path.join(folder, "home");
  mkdirSync(home);
  writeFileSync(path.join(home, "settings.js"), `module.exports = ${JSON.stringify(settings(port))};\n`);
  writeFileSync(path.join(home, "flows.json"), JSON.stringify(flows()));
  const program = run("real-node-red", process.execPath, [PROGRAM, "--userDir", home, "flows.json"]);
  await program.says(/Started flows/, 60_000);
  return {
    url: `http://127.0.0.1:${port}`,
    secrets: [OLENA.password, TOM.password, INES.password, SECRET],
    stop: () => program.stop(),
  };
}

/** One flow: a button counts an invoice, and a debug node shows it; a node that asks elsewhere. */
function flows(): object[] {
  const [z, y] = [FLOW, 80];
  return [
    { id: FLOW, type: "tab", label: "Invoices" },
    { id: BUTTON, type: "inject", z, name: "count", props: [{ p: "payload" }], payload: "", payloadType: "date", repeat: "", once: false, onceDelay: 0.1, x: 160, y, wires: [[COUNT]] },
    { id: COUNT, type: "function", z, name: "counter", func: 'global.set("invoices", 7);\nreturn msg;', outputs: 1, timeout: 0, noerr: 0, libs: [], x: 340, y, wires: [[SHOW]] },
    { id: SHOW, type: "debug", z, name: "show", active: true, tosidebar: true, complete: "false", x: 520, y, wires: [] },
    { id: REQUEST, type: "http request", z, name: "rates", method: "GET", ret: "txt", authType: "basic", url: "http://127.0.0.1:9/", x: 160, y: 160, wires: [[]] },
  ];
}

function settings(port: number): object {
  const { hashSync } = createRequire(path.join(FOLDER, "package.json"))("bcryptjs") as {
    hashSync: (password: string, rounds: number) => string;
  };
  const users = [OLENA, TOM, INES].map(({ name, password, permissions }) => ({
    username: name,
    password: hashSync(password, 8),
    permissions,
  }));
  return {
    uiHost: "127.0.0.1",
    uiPort: port,
    httpAdminRoot: "/",
    credentialSecret: SECRET,
    adminAuth: { type: "credentials", users },
    runtimeState: { enabled: true, ui: true },
    telemetry: { enabled: false },
    editorTheme: { tours: false, palette: { catalogues: [] } },
    logging: { console: { level: "info", metrics: false, audit: false } },
  };
}
