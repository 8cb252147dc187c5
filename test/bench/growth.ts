import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { eventStream, querySubject } from "../../src/wire/names.ts";
import { CONTENDERS, type RunningContender, startContender } from "./contender.ts";
import { type Costs, costs, othersPercent } from "./cpu.ts";
import { askQuestions, type Question, rebuildStore } from "./growth-questions.ts";
import { deviceGrowth, type GrowthTraffic, orderGrowth } from "./growth-traffic.ts";
import { type LiveLatency, measureLive } from "./live.ts";
import { watchWal } from "./wal-pages.ts";
import {
  layTopology,
  pauseConsumers,
  publishAll,
  whenAcknowledged,
  whenDecided,
  writeLoadingConfig,
} from "./workload.ts";

/** One contender with so many actors in its store. The costs are those of further events. */
export interface GrowthPoint extends Costs {
  readonly contender: "a" | "b";
  readonly actors: number;
  /** All that is in the store at the end. */
  readonly events: number;
  /** While the store was filled up to this size, as fast as it could. */
  readonly filling: Pick<Costs, "eventsPerSecond" | "cpuUsPerEvent">;
  /** With this store, from the start of its process to its first pull request. */
  readonly startupMs: number;
  /** Of filling and of all that came after it. */
  readonly maxRssMib: number;
  readonly walPagesPerEvent: number;
  readonly walBytesPerEvent: number;
  /** What it had the system write to the disk, the sockets left out; null where the system does not tell. */
  readonly diskBytesPerEvent: number | null;
  readonly walMib: number;
  readonly storeBytesPerEvent: number;
  readonly latency: LiveLatency | null;
  /** Beside somebody who reads lists. */
  readonly latencyBesideLists: LiveLatency | null;
  readonly othersPercent: number;
}

export interface GrowthOptions {
  readonly contender: "a" | "b";
  readonly actors: "order" | "device";
  /** The smallest first. */
  readonly sizes: readonly number[];
  readonly seed: number;
  readonly binary: string;
  /** A new directory, for its nats-server and its store. */
  readonly dir: string;
  readonly say: (progress: string) => void;
  /** Told, where it is wanted, what is asked of the largest store and what that takes. */
  readonly onQuestions?: ((questions: readonly Question[]) => void) | undefined;
}

const PAUSE_MS = 3_600_000;
const SAY_EVERY_MS = 10_000;
const LIST_EVERY_MS = 100;
const LISTS = ["{}", '{"state":"confirmed"}', '{"decision":"OrderConfirmed"}'];
const LATENCY = { eventsPerSecond: 200, seconds: 15, rampUpSeconds: 3 };
const MIB = 2 ** 20;

/**
 * Lets one store grow from size to size. Each time it is filled by the path of events itself, through a nats-server that does
 * not fsync every message; then contender and server are started anew, with the repo's nats.conf, and given further events:
 * stored while its consumers are paused, counted from the moment when they go on until all are acknowledged.
 */
export async function measureGrowth(options: GrowthOptions): Promise<GrowthPoint[]> {
  const { contender, actors, sizes, seed, binary, dir, say, onQuestions } = options;
  const traffic = actors === "order" ? orderGrowth(seed) : deviceGrowth(seed);
  const [natsDir, dataDir] = [join(dir, "nats"), join(dir, "data")];
  await mkdir(natsDir, { recursive: true });
  await mkdir(dataDir, { recursive: true });
  const loading = {
    contender,
    binary,
    natsDir,
    dataDir,
    type: traffic.type,
    configPath: await writeLoadingConfig(natsDir),
  };
  // Of paused consumers it would warn.
  const env = { BENCH_ACTORS: actors, BENCH_STALLS: "1", NATSTATE_LOG_LEVEL: "error" };
  await layTopology(binary, natsDir, traffic.type);
  const points: GrowthPoint[] = [];
  let events = 0;
  for (const size of sizes) {
    const filler = await startContender({ ...loading, env });
    const filled = await ended(filler, () => fill(filler, traffic, size, say));
    events += filled.events;
    const running = await startContender({ contender, binary, natsDir, dataDir, type: traffic.type, env });
    const isAsked = onQuestions !== undefined && contender === "b" && size === sizes.at(-1);
    const grown = await ended(running, async () => ({
      ...(await measure(running, traffic, options)),
      asked: isAsked ? await askQuestions(running, traffic.type, dataDir) : [],
    }));
    events += grown.events;
    const { filling, maxRssMib } = filled;
    points.push({
      contender,
      actors: size,
      filling,
      ...grown.figures,
      events,
      startupMs: running.startupMs,
      maxRssMib: Math.max(maxRssMib, grown.figures.maxRssMib),
      storeBytesPerEvent: statSync(join(dataDir, CONTENDERS[contender].store)).size / events,
    });
    say(JSON.stringify(points.at(-1)));
    if (isAsked) onQuestions([...grown.asked, await rebuildStore(binary, natsDir, dataDir)]);
  }
  return points;
}

async function ended<Value>(running: RunningContender, work: () => Promise<Value>): Promise<Value> {
  try {
    return await running.child.unlessDead(work());
  } finally {
    await running.end();
  }
}

async function fill(running: RunningContender, traffic: GrowthTraffic, size: number, say: (text: string) => void) {
  const { nc, child, readClocks } = running;
  const start = readClocks();
  let events = 0;
  let saidMs = performance.now();
  for (const piece of traffic.fill(size)) {
    await publishAll(jetstream(nc), piece);
    events += piece.length;
    if (performance.now() - saidMs < SAY_EVERY_MS) continue;
    saidMs = performance.now();
    say(`  ${events} events to fill it with are stored`);
  }
  await whenHeard(running, traffic);
  return { events, filling: costs(start, readClocks(), events), maxRssMib: await child.maxRssMib() };
}

async function measure(running: RunningContender, traffic: GrowthTraffic, options: GrowthOptions) {
  const { nc, jsm, child, readClocks } = running;
  const { contender, actors, dir, seed } = options;
  const store = join(dir, "data", CONTENDERS[contender].store);
  const stream = eventStream(traffic.type);
  const warming = traffic.warmUp();
  await publishAll(jetstream(nc), warming);
  await whenHeard(running, traffic);

  await pauseConsumers(jsm, stream, PAUSE_MS);
  const further = traffic.further();
  await publishAll(jetstream(nc), further);
  using wal = watchWal(store);
  const [start, written] = [readClocks(), bytesWritten(child.pid)];
  await pauseConsumers(jsm, stream, 0);
  await child.resume();
  await whenHeard(running, traffic);
  const [end, writtenThen] = [readClocks(), bytesWritten(child.pid)];
  const walPages = wal.pages();

  const withLatency = contender === "b" && actors === "order";
  const live = (run: number) => ({ ...LATENCY, seed: seed + 2 * run + options.sizes.length * 1000 });
  const latency = withLatency ? await measureLive(running, store, live(traffic.decisions())) : null;
  const besideLists = withLatency
    ? await besideReader(running, traffic, () => measureLive(running, store, live(traffic.decisions() + 1)))
    : null;
  const lived = withLatency ? 2 * LATENCY.eventsPerSecond * LATENCY.seconds : 0;
  traffic.foreign(lived / 5);
  return {
    events: warming.length + further.length + lived,
    figures: {
      ...costs(start, end, further.length),
      maxRssMib: await child.maxRssMib(),
      walPagesPerEvent: walPages / further.length,
      walBytesPerEvent: (walPages * wal.pageBytes) / further.length,
      diskBytesPerEvent: written === null || writtenThen === null ? null : (writtenThen - written) / further.length,
      walMib: statSync(`${store}-wal`).size / MIB,
      latency,
      latencyBesideLists: besideLists,
      othersPercent: othersPercent(start, end),
    },
  };
}

async function whenHeard({ jsm, child }: RunningContender, traffic: GrowthTraffic): Promise<void> {
  if (traffic.decisions() > 0) await child.unlessDead(whenDecided(jsm, traffic.decisions()));
  else await child.unlessDead(whenAcknowledged(jsm, eventStream(traffic.type)));
}

/** Somebody reads a page of all, of a state and of a decision in turn, ten times a second. */
async function besideReader<Value>(
  { nc }: RunningContender,
  { type }: GrowthTraffic,
  work: () => Promise<Value>,
): Promise<Value> {
  let isReading = true;
  const reading = (async () => {
    for (let count = 0; isReading; count++) {
      await nc.request(querySubject(type, "list"), LISTS[count % LISTS.length]).catch(() => {});
      await delay(LIST_EVERY_MS);
    }
  })();
  try {
    return await work();
  } finally {
    isReading = false;
    await reading;
  }
}

/** What a process has dirtied of files so far. */
function bytesWritten(pid: number): number | null {
  if (process.platform !== "linux") return null;
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? Number.NaN);
}
