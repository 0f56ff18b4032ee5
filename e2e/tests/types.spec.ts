/** The types hold, in these tests and in the scripts of the pages. */

import path from "node:path";

import { expect, test } from "@playwright/test";

import { E2E, run } from "../stack/processes.ts";

for (const project of ["tsconfig.json", "tsconfig.pages.json"]) {
  test(`tsc finds nothing wrong by ${project}`, async () => {
    const answer = await run(path.join(E2E, "node_modules/.bin/tsc"), ["--noEmit", "--project", project]);
    expect(answer.stdout + answer.stderr).toBe("");
    expect(answer.code).toBe(0);
  });
}
