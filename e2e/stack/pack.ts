/** Proof packs, good ones and others, from `crates/ledger/examples/proof_pack.rs`. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { E2E, run } from "./processes.ts";

const BINARY = process.env.ADMINTRAIL_PACK ?? path.resolve(E2E, "../target/debug/examples/proof_pack");

/** A pack that somebody has tampered with. */
export interface Case {
  name: string;
  file: string;
  /** How a fault begins that has to be found. */
  finds: string;
}

export class Packs {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Packs> {
    const folder = mkdtempSync(path.join(tmpdir(), "admintrail-packs-"));
    const answer = await run(BINARY, [folder]);
    if (answer.code !== 0) throw new Error(`no packs were made: ${answer.stderr}`);
    return new Packs(folder);
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** The page that lies in the good pack, opened from the disk. */
  get page(): string {
    return pathToFileURL(this.path("good/verify.html")).href;
  }

  get cases(): Case[] {
    return JSON.parse(this.text("cases.json")) as Case[];
  }

  /** Paths of the unpacked files, some left out. */
  files(...without: string[]): string[] {
    const names = ["events.ndjson", "events.csv", "pack.json", "checkpoint", "key.txt"];
    return names.filter((name) => !without.includes(name)).map((name) => this.path(`good/${name}`));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
