import { setTimeout as delay } from "node:timers/promises";
import { measureFsyncs } from "../facts.ts";
import { isLogCopied } from "./wal-pages.ts";

/** What became of waiting until a burst is over. */
export interface Rest {
  readonly isAtRest: boolean;
  readonly waitedMs: number;
}

export interface RestOptions {
  /** The store's file; its process has it open. */
  readonly store: string;
  /** On the same disk. */
  readonly dir: string;
  /** Of that disk when nothing else was written. */
  readonly fsyncsPerSecond: number;
  readonly waitAtMostMs?: number;
  /** How long it has to stay so; a daemon copies its log once a second. */
  readonly quietForMs?: number;
}

const LOOKS = 5;
const PROBE_FSYNCS = 30;
/** So few appends give no exact figure. */
const SLOWER = 2;

/** Waits until a store's log is copied and its disk confirms appends about as quickly as before, and both stay so. */
export async function waitForRest(options: RestOptions): Promise<Rest> {
  const { store, dir, fsyncsPerSecond, waitAtMostMs = 30_000, quietForMs = 1000 } = options;
  const startedMs = performance.now();
  const waited = () => performance.now() - startedMs;
  let looks = 0;
  while (waited() < waitAtMostMs) {
    const isQuiet = isLogCopied(store) && measureFsyncs(dir, PROBE_FSYNCS) * SLOWER >= fsyncsPerSecond;
    looks = isQuiet ? looks + 1 : 0;
    if (looks === LOOKS) return { isAtRest: true, waitedMs: waited() };
    await delay(quietForMs / (LOOKS - 1));
  }
  return { isAtRest: false, waitedMs: waited() };
}
