/** The panel: Django's own admin site, with a database of its own in a folder of its own. */

import path from "node:path";

import { E2E, type Program, start } from "./processes.ts";

/** The password of everybody in `panel/people.py`. */
export const PANEL_PASSWORD = "panel-pass-2026";

export interface Django {
  /** Where it listens itself, e.g. `http://127.0.0.1:40001`. */
  url: string;
  program: Program;
}

export async function startDjango(name: string, folder: string): Promise<Django> {
  const python = path.join(E2E, ".venv/bin/python");
  const program = start(name, python, ["-m", "panel", folder], { PYTHONDONTWRITEBYTECODE: "1" });
  const found = await program.says(/listening on (\S+)/, 30_000);
  return { url: `http://${found[1]}`, program };
}
