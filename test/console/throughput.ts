import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { cpuMicroseconds } from "../bench/cpu.ts";
import { EVENTS_PER_ORDER, storeWorkload } from "../bench/workload.ts";
import { type DaemonProcess, startDaemonProcess } from "../e2e/daemon-process.ts";
import { getJson } from "../e2e/world.ts";

/** How fast a daemon was for a time. */
export interface Throughput {
  readonly eventsPerSecond: number;
  /** Of the daemon's process. */
  readonly cpuUsPerEvent: number;
}

/** Measures how fast a daemon catches up with a stored stream. */
export interface Catching extends AsyncDisposable {
  /**
   * Lets a new daemon catch up, by turns with and without somebody who watches: runs differ from each other by more than
   * watching costs, turns of one run do not.
   *
   * @param watch - begins to watch; what it returns ends it.
   */
  run(watch: (daemon: DaemonProcess) => Promise<() => Promise<void>>): Promise<{
    readonly unwatched: Throughput;
    readonly watched: Throughput;
  }>;
}

const TURN_MS = 1000;

/** Stores the events of so many orders once; every run gets a copy. */
export async function openCatching(orders: number): Promise<Catching> {
  const dir = await mkdtemp(join(tmpdir(), "natstate-console-load-"));
  const binary = await findServerBinary({ env: process.env });
  const workload = join(dir, "workload");
  await storeWorkload(binary.path, workload, { orders, seed: 3 });
  const total = orders * EVENTS_PER_ORDER;
  return {
    async run(watch) {
      const runDir = await mkdtemp(join(dir, "run-"));
      await cp(workload, join(runDir, "nats"), { recursive: true });
      const server = await startEmbeddedServer({ binary: binary.path, dataDir: join(runDir, "nats") });
      const daemon = await startDaemonProcess({ NATS_URL: server.url, NATSTATE_DATA: join(runDir, "data") });
      try {
        const none = async () => async () => {};
        const turns = { unwatched: [] as Sample[], watched: [] as Sample[] };
        for (;;) {
          const unwatched = await measureTurn(daemon, none);
          const watched = await measureTurn(daemon, watch);
          if (watched.eventsSoFar > total * 0.95) break;
          turns.unwatched.push(unwatched);
          turns.watched.push(watched);
        }
        return { unwatched: sumUp(turns.unwatched), watched: sumUp(turns.watched) };
      } finally {
        await daemon.kill9();
        await server.stop();
        await rm(runDir, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** What happened in one turn. */
interface Sample {
  readonly eventsSoFar: number;
  readonly events: number;
  readonly ms: number;
  readonly cpuUs: number;
}

async function measureTurn(
  daemon: DaemonProcess,
  watch: (daemon: DaemonProcess) => Promise<() => Promise<void>>,
): Promise<Sample> {
  const close = await watch(daemon);
  const first = await look(daemon);
  await delay(TURN_MS);
  const last = await look(daemon);
  await close();
  return {
    eventsSoFar: last.events,
    events: last.events - first.events,
    ms: last.atMs - first.atMs,
    cpuUs: last.cpuUs - first.cpuUs,
  };
}

function sumUp(turns: readonly Sample[]): Throughput {
  const sum = (pick: (turn: Sample) => number) => turns.reduce((total, turn) => total + pick(turn), 0);
  const events = sum((turn) => turn.events);
  return {
    eventsPerSecond: (events * 1000) / sum((turn) => turn.ms),
    cpuUsPerEvent: sum((turn) => turn.cpuUs) / events,
  };
}

async function look(daemon: DaemonProcess): Promise<{ events: number; atMs: number; cpuUs: number }> {
  const { events } = await getJson(daemon, "/api/stats");
  return {
    events: events.applied + events.superseded + events.duplicate,
    atMs: performance.now(),
    cpuUs: cpuMicroseconds(daemon.pid),
  };
}
