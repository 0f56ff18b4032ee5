/** The pages over made-up days, in a state that a real server is seldom in: `crates/web/examples/preview`. */

import path from "node:path";

import { E2E, freePort, type Program, start } from "./processes.ts";

const BINARY = process.env.ADMINTRAIL_PREVIEW ?? path.resolve(E2E, "../target/debug/examples/preview");

export interface Preview {
  url: string;
  program: Program;
}

/** Starts it; whoever opens its pages is signed in. */
export async function startPreview(state: string, events: number): Promise<Preview> {
  const port = await freePort();
  const program = start(`preview-${state}`, BINARY, [String(port), String(events)], { PREVIEW: state });
  const url = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    const answer = await fetch(`${url}/healthz`).catch(() => null);
    if (answer?.ok) return { url, program };
    if (!program.running()) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await program.stop();
  throw new Error(`the preview did not start:\n${program.said()}`);
}
