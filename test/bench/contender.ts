import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orderType } from "../../machines/order/order.ts";
import { connectNats } from "../../src/jetstream/connect.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { DECISIONS_STREAM, eventStream } from "../../src/wire/names.ts";
import { type Request, toEnvironment, type Usage } from "./child.ts";
import { cpuMicroseconds, machineCpuMicroseconds } from "./cpu.ts";
import { type Latency, type LatencyOptions, measureLatency } from "./latency.ts";
import { copyWorkload, EVENTS_PER_ORDER } from "./workload.ts";

/** Who can be measured. */
export const CONTENDERS = {
  a: { label: "a  ceiling, no XState", file: new URL("./ceiling.ts", import.meta.url) },
  b: { label: "b  natstate", file: new URL("./natstate-child.ts", import.meta.url) },
  c: { label: "c  one at a time", file: new URL("./naive.ts", import.meta.url) },
} as const;

export type Contender = keyof typeof CONTENDERS;

/** One contender, measured once. */
export interface Run {
  readonly contender: Contender;
  readonly events: number;
  /** From the start of its process to its first pull request. */
  readonly startupMs: number;
  /** From its first pull request until every decision is stored and every event acknowledged. */
  readonly runMs: number;
  readonly eventsPerSecond: number;
  readonly cpuUsPerEvent: number;
  /** CPU of the nats-server it ran against; it shares the machine. */
  readonly serverCpuUsPerEvent: number;
  /** Share of the machine's cores that other programs used meanwhile, percent: well above 5, the figures say little. */
  readonly othersPercent: number;
  readonly maxRssMib: number;
  readonly latency: Latency | null;
  /** The run's bounds on the machine's monotonic clock, µs, as CPU profiles count. */
  readonly bounds: readonly [fromUs: number, toUs: number];
}

export interface RunOptions {
  readonly contender: Contender;
  readonly orders: number;
  readonly binary: string;
  /** See `storeWorkload`. */
  readonly workloadDir: string;
  /** A new directory for this run. */
  readonly dir: string;
  /** Null: throughput only. */
  readonly latency: LatencyOptions | null;
  readonly execArgv?: readonly string[];
}

const POLL_MS = 20;
const STALLED_AFTER_MS = 60_000;

/**
 * Runs one contender in a process of its own against a fresh server that has the workload stored.
 *
 * @throws when it dies, stalls for 60 s or publishes another number of decisions than there are orders.
 */
export async function runContender(options: RunOptions): Promise<Run> {
  const { contender, orders, binary, workloadDir, dir, latency, execArgv = [] } = options;
  const natsDir = join(dir, "nats");
  const dataDir = join(dir, "data");
  await copyWorkload(workloadDir, natsDir);
  await mkdir(dataDir);
  const server = await startEmbeddedServer({ binary, dataDir: natsDir });
  const nc = await connectNats({ url: server.url, name: "bench" });
  const jsm = await jetstreamManager(nc);
  const firstPull = whenPulling(nc);
  await nc.flush();

  const forkedMs = performance.now();
  const child = fork(CONTENDERS[contender].file, {
    env: { ...process.env, ...toEnvironment({ natsUrl: server.url, dataDir }) },
    execArgv: [...execArgv],
    // What it logs must not get between our figures.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const died = once(child, "exit").then(([code, signal]) => {
    throw new Error(`contender ${contender} died (${signal ?? code})`);
  });
  died.catch(() => {});
  const unlessDead = <Value>(work: Promise<Value>) => {
    // When it has died, what else fails for that reason is not told.
    work.catch(() => {});
    return Promise.race([work, died]);
  };
  const ready = once(child, "message");
  try {
    await unlessDead(firstPull);
    const start = readClocks();
    await unlessDead(whenDone(jsm, orders));
    const end = readClocks();
    const events = orders * EVENTS_PER_ORDER;
    await unlessDead(ready);
    const { maxRssKib } = (await ask(child, "usage")) as Usage;
    const measured = latency && (await unlessDead(measureLatency(nc, latency)));
    return {
      contender,
      events,
      startupMs: start.ms - forkedMs,
      runMs: end.ms - start.ms,
      eventsPerSecond: (1000 * events) / (end.ms - start.ms),
      cpuUsPerEvent: (end.child - start.child) / events,
      serverCpuUsPerEvent: (end.server - start.server) / events,
      othersPercent: Math.max(othersPercent(start, end), measured ? othersPercent(end, readClocks()) : 0),
      maxRssMib: maxRssKib / 1024,
      latency: measured,
      bounds: [start.us, end.us],
    };
  } finally {
    await end(child);
    await nc.close();
    await server.stop();
  }

  function readClocks(): Clocks {
    const { user, system } = process.cpuUsage();
    return {
      ms: performance.now(),
      us: Number(process.hrtime.bigint() / 1000n),
      child: cpuMicroseconds(child.pid ?? 0),
      server: cpuMicroseconds(server.pid),
      own: user + system,
      machine: machineCpuMicroseconds(),
    };
  }
}

/** CPU used so far, in µs, by everybody of interest. */
interface Clocks {
  readonly ms: number;
  /** The monotonic clock. */
  readonly us: number;
  readonly child: number;
  readonly server: number;
  readonly own: number;
  readonly machine: number;
}

/** The first pull request is where a run begins, seen from outside and so the same for all. */
function whenPulling(nc: NatsConnection): Promise<void> {
  return new Promise((resolve) => {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${eventStream(orderType)}.>`;
    nc.subscribe(subject, { max: 1, callback: () => resolve() });
  });
}

async function whenDone(jsm: JetStreamManager, orders: number): Promise<void> {
  let seen = 0;
  let progressMs = performance.now();
  while (seen < orders) {
    await delay(POLL_MS);
    const { messages } = (await jsm.streams.info(DECISIONS_STREAM)).state;
    if (messages > seen) progressMs = performance.now();
    if (performance.now() - progressMs > STALLED_AFTER_MS) {
      throw new Error(`stalled: ${messages} of ${orders} decisions after 60 s without another`);
    }
    seen = messages;
  }
  while ((await unacknowledged(jsm)) > 0) await delay(POLL_MS);
  const { messages } = (await jsm.streams.info(DECISIONS_STREAM)).state;
  if (messages !== orders) throw new Error(`${messages} decisions for ${orders} orders`);
}

async function unacknowledged(jsm: JetStreamManager): Promise<number> {
  let count = 0;
  for await (const info of jsm.consumers.list(eventStream(orderType))) count += info.num_pending + info.num_ack_pending;
  return count;
}

async function ask(child: ChildProcess, request: Request): Promise<unknown> {
  const answer = once(child, "message");
  child.send(request);
  const [value] = await answer;
  return value;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  if (child.connected) child.send("stop" satisfies Request);
  else child.kill("SIGKILL");
  await exited;
  clearTimeout(timer);
}

function othersPercent(start: Clocks, end: Clocks): number {
  const used = (clocks: Clocks) => clocks.machine - clocks.child - clocks.server - clocks.own;
  const percent = (used(end) - used(start)) / ((end.us - start.us) / 100) / availableParallelism();
  return Math.max(0, percent);
}
