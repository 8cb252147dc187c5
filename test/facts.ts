import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import type { ServerBinary } from "../src/nats-server/binary.ts";

/** What the figures were measured on. */
export interface Facts {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly natsServer: string;
  /** Processes that wanted a core in the minute before: above 0.5, something else is running. */
  readonly load: number;
  /** Small appends the disk confirms in a second; every decision stored is one (`sync_interval: always`). */
  readonly fsyncsPerSecond: number;
  readonly seed: number;
}

/** Reads what the machine and its parts are. Takes about a tenth of a second for the disk. */
export function gatherFacts(binary: ServerBinary, dir: string, seed: number): Facts {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} x ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`,
    node: process.version,
    natsServer: binary.version,
    load: loadavg()[0] ?? 0,
    fsyncsPerSecond: measureFsyncs(dir),
    seed,
  };
}

/** Small appends to a file of a directory that the disk confirms in a second. */
export function measureFsyncs(dir: string, writes = 300): number {
  const file = openSync(join(dir, "fsync"), "w");
  const startedMs = performance.now();
  for (let count = 0; count < writes; count++) {
    writeSync(file, Buffer.alloc(400));
    fsyncSync(file);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  closeSync(file);
  return Math.round(writes / seconds);
}
