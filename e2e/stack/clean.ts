/** Before a run: what the last one left behind goes. */

import { rmSync } from "node:fs";
import path from "node:path";

import { ARTIFACTS } from "./processes.ts";

export default function clean(): void {
  for (const folder of ["logs", "screenshots"]) {
    rmSync(path.join(ARTIFACTS, folder), { recursive: true, force: true });
  }
}
