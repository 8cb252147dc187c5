import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startEmbeddedServer } from "../../src/jetstream/embedded-server.ts";
import { findServerBinary } from "../../src/jetstream/server-binary.ts";
import { cpuMicroseconds } from "../bench/cpu.ts";
import { EVENTS_PER_ORDER, storeWorkload } from "../bench/workload.ts";
import { type DaemonProcess, startDaemonProcess } from "../e2e/daemon-process.ts";
import { getJson } from "../e2e/world.ts";

/** One run over the same stored events. */
export interface Throughput {
  readonly eventsPerSecond: number;
  /** Of the daemon's process. */
  readonly cpuUsPerEvent: number;
}

/** Measures how fast a daemon catches up with a stored stream. */
export interface Catching extends AsyncDisposable {
  /** @param watch - opens whatever shall be open meanwhile; what it returns closes it. */
  run(watch: (daemon: DaemonProcess) => Promise<() => Promise<void>>): Promise<Throughput>;
}

const SAMPLE_MS = 100;

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
        const close = await watch(daemon);
        const measured = await measure(daemon, total);
        await close();
        return measured;
      } finally {
        await daemon.kill9();
        await server.stop();
        await rm(runDir, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** From when it is asked for until 95 % are applied: the beginning is the browser's start, the end is idle. */
async function measure(daemon: DaemonProcess, total: number): Promise<Throughput> {
  const first = await sample(daemon);
  for (;;) {
    await delay(SAMPLE_MS);
    const last = await sample(daemon);
    if (last.events < total * 0.95) continue;
    const events = last.events - first.events;
    return {
      eventsPerSecond: (events * 1000) / (last.atMs - first.atMs),
      cpuUsPerEvent: (last.cpuUs - first.cpuUs) / events,
    };
  }
}

async function sample({ pid, ...daemon }: DaemonProcess): Promise<{ events: number; atMs: number; cpuUs: number }> {
  const { events } = await getJson({ pid, ...daemon }, "/api/stats");
  return {
    events: events.applied + events.superseded + events.duplicate,
    atMs: performance.now(),
    cpuUs: cpuMicroseconds(pid),
  };
}
