import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { connectNats } from "../../src/jetstream/connect.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { eventStream } from "../../src/wire/names.ts";
import { type BenchChild, startBenchChild } from "./child-process.ts";
import { type Costs, type CpuClocks, costs, othersPercent, readCpuClocks } from "./cpu.ts";
import { type Latency, type LatencyOptions, measureLatency } from "./latency.ts";
import { copyWorkload, EVENTS_PER_ORDER, whenDecided } from "./workload.ts";

/** Who can be measured. */
export const CONTENDERS = {
  a: { label: "a  ceiling, no XState", file: new URL("./ceiling.ts", import.meta.url), store: "ceiling.db" },
  b: { label: "b  natstate", file: new URL("./natstate-child.ts", import.meta.url), store: "natstate.db" },
  c: { label: "c  one at a time", file: new URL("./naive.ts", import.meta.url), store: "naive.db" },
} as const;

export type Contender = keyof typeof CONTENDERS;

/** One contender, measured once. */
export interface Run extends Costs {
  readonly contender: Contender;
  readonly events: number;
  /** From the start of its process to its first pull request. Its costs are from there on, until all is decided. */
  readonly startupMs: number;
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
  const { nc, jsm, child, startupMs, readClocks, end } = await startContender({
    contender,
    binary,
    natsDir,
    dataDir,
    execArgv,
  });
  try {
    const started = readClocks();
    await child.unlessDead(whenDecided(jsm, orders));
    const ended = readClocks();
    const events = orders * EVENTS_PER_ORDER;
    const maxRssMib = await child.maxRssMib();
    const measured = latency && (await child.unlessDead(measureLatency(nc, latency)));
    const others = measured ? othersPercent(ended, readClocks()) : 0;
    return {
      contender,
      events,
      startupMs,
      ...costs(started, ended, events),
      othersPercent: Math.max(othersPercent(started, ended), others),
      maxRssMib,
      latency: measured,
      bounds: [started.us, ended.us],
    };
  } finally {
    await end();
  }
}

export interface ContenderOptions {
  readonly contender: Contender;
  readonly binary: string;
  /** With a stream of events, see `storeWorkload`. */
  readonly natsDir: string;
  /** Its own; with the store of an earlier start, or empty. */
  readonly dataDir: string;
  /** Absent: orders. */
  readonly type?: ActorType;
  /** Of nats-server; absent: the repo's. */
  readonly configPath?: string;
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A contender that has begun to read, with a nats-server of its own. */
export interface RunningContender {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly child: BenchChild;
  /** See {@link Run.startupMs}. */
  readonly startupMs: number;
  readClocks(): CpuClocks;
  /** Ends both; their files stay. */
  end(): Promise<void>;
}

/** @throws when it dies before its first pull request. */
export async function startContender(options: ContenderOptions): Promise<RunningContender> {
  const { contender, binary, natsDir, dataDir, type = orderType, configPath, execArgv = [], env = {} } = options;
  const server = await startEmbeddedServer({ binary, dataDir: natsDir, ...(configPath && { configPath }) });
  const nc = await connectNats({ url: server.url, name: "bench" });
  const jsm = await jetstreamManager(nc);
  const firstPull = whenPulling(nc, type);
  await nc.flush();

  const forkedMs = performance.now();
  const { file } = CONTENDERS[contender];
  const child = startBenchChild({ name: `contender ${contender}`, file, natsUrl: server.url, dataDir, execArgv, env });
  async function end(): Promise<void> {
    await child.end();
    await nc.close();
    await server.stop();
  }
  try {
    await child.unlessDead(firstPull);
  } catch (error) {
    await end();
    throw error;
  }
  const startupMs = performance.now() - forkedMs;
  return {
    nc,
    jsm,
    child,
    startupMs,
    readClocks: () => readCpuClocks({ children: [child.pid], server: server.pid }),
    end,
  };
}

/** The first pull request is where a run begins, seen from outside and so the same for all. */
function whenPulling(nc: NatsConnection, type: ActorType): Promise<void> {
  return new Promise((resolve) => {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${eventStream(type)}.>`;
    nc.subscribe(subject, { max: 1, callback: () => resolve() });
  });
}
