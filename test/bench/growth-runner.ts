import { readFileSync, statSync } from "node:fs";
import { jetstream } from "@nats-io/jetstream";
import { eventStream } from "../../src/wire/names.ts";
import type { RunningContender } from "./contender.ts";
import { type Costs, costs, othersPercent } from "./cpu.ts";
import type { GrowthTraffic } from "./growth-traffic.ts";
import type { TurnTaker } from "./turns.ts";
import { watchWal } from "./wal-pages.ts";
import { lastHeardMs, pauseConsumers, publishAll, resumeConsumers, whenAcknowledged, whenDecided } from "./workload.ts";

/** What a part of the further events took. */
export interface Part extends Costs {
  readonly events: number;
  /** Share of the machine's cores that other programs used meanwhile; contenders that idle count as others. */
  readonly othersPercent: number;
}

/** Of all parts together, what was written. */
export interface Written {
  readonly walPagesPerEvent: number;
  readonly walBytesPerEvent: number;
  /** What it had the system write to the disk, the sockets left out; null where the system does not tell. */
  readonly diskBytesPerEvent: number | null;
  readonly walMib: number;
}

/** A contender that hears its further events part by part. */
export interface GrowthRunner extends TurnTaker<Part> {
  /** So far. */
  written(): Written;
  [Symbol.dispose](): void;
}

const PAUSE_MS = 3_600_000;
const MIB = 2 ** 20;

/**
 * A part is stored while its consumers are paused, and counted from the moment when they go on until the last is acknowledged.
 *
 * @param store - its file.
 */
export function createGrowthRunner(running: RunningContender, traffic: GrowthTraffic, store: string): GrowthRunner {
  const { nc, jsm, child, readClocks } = running;
  const stream = eventStream(traffic.type);
  const wal = watchWal(store);
  const writtenBefore = bytesWritten(child.pid);
  let events = 0;
  return {
    async takeTurn(partsLeft) {
      const messages = traffic.further(partsLeft);
      await pauseConsumers(jsm, stream, PAUSE_MS);
      await child.unlessDead(publishAll(jetstream(nc), messages));
      const resumedMs = await resumeConsumers(jsm, stream);
      const start = readClocks();
      await whenHeard(running, traffic);
      const end = readClocks();
      // Of the ceiling's, a part of a small store takes 0.2 s: looking every 10 ms would tell.
      const runMs = (await lastHeardMs(jsm, stream)) - resumedMs;
      events += messages.length;
      return {
        ...costs(start, end, messages.length),
        runMs,
        eventsPerSecond: (1000 * messages.length) / runMs,
        events: messages.length,
        othersPercent: othersPercent(start, end),
      };
    },
    written() {
      const [pages, written] = [wal.pages(), bytesWritten(child.pid)];
      return {
        walPagesPerEvent: pages / events,
        walBytesPerEvent: (pages * wal.pageBytes) / events,
        diskBytesPerEvent: writtenBefore === null || written === null ? null : (written - writtenBefore) / events,
        walMib: statSync(`${store}-wal`).size / MIB,
      };
    },
    [Symbol.dispose]: () => wal[Symbol.dispose](),
  };
}

/** Resolves when it has acknowledged all that was handed out so far, and decided what follows. */
export async function whenHeard({ jsm, child }: RunningContender, traffic: GrowthTraffic): Promise<void> {
  if (traffic.decisions() > 0) await child.unlessDead(whenDecided(jsm, traffic.decisions()));
  else await child.unlessDead(whenAcknowledged(jsm, eventStream(traffic.type)));
}

/** What a process has dirtied of files so far. */
function bytesWritten(pid: number): number | null {
  if (process.platform !== "linux") return null;
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? Number.NaN);
}
