import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { CONTENDERS, type ContenderOptions, type RunningContender, startContender } from "./contender.ts";
import { type Costs, costs } from "./cpu.ts";
import { type GrowthLatency, LIVE_EVENTS, measureGrowthLatency } from "./growth-live.ts";
import { askQuestions, type Question, rebuildStore } from "./growth-questions.ts";
import { createGrowthRunner, type GrowthRunner, type Part, type Written, whenHeard } from "./growth-runner.ts";
import { deviceGrowth, type GrowthTraffic, orderGrowth } from "./growth-traffic.ts";
import { medianCosts, takeTurns } from "./turns.ts";
import { EVENTS_PER_ORDER, layTopology, publishAll, writeLoadingConfig } from "./workload.ts";

/** One contender with so many actors in its store. The costs are those of further events, medians over their parts. */
export interface GrowthPoint extends Costs, Written {
  readonly contender: "a" | "b";
  readonly actors: number;
  /** All that is in the store at the end. */
  readonly events: number;
  /** While the store was filled up to this size, as fast as it could. */
  readonly filling: Pick<Costs, "eventsPerSecond" | "cpuUsPerEvent">;
  /** The first further events after the start, a part that does not count: V8 compiles meanwhile. */
  readonly first: Part;
  /** Those after it, in their order. The other contender heard its own in between. */
  readonly parts: readonly Part[];
  /** With this store, from the start of its process to its first pull request. */
  readonly startupMs: number;
  /** Of filling and of all that came after it. */
  readonly maxRssMib: number;
  readonly storeBytesPerEvent: number;
  readonly latency: GrowthLatency | null;
  /** The most of any part. */
  readonly othersPercent: number;
}

export interface GrowthOptions {
  readonly contenders: readonly ("a" | "b")[];
  readonly actors: "order" | "device";
  /** The smallest first. */
  readonly sizes: readonly number[];
  /** Of the further events, besides the first one. */
  readonly parts: number;
  readonly seed: number;
  readonly binary: string;
  /** A new directory, for their nats-servers and stores. */
  readonly dir: string;
  /** Of its disk, when nothing else is written. */
  readonly fsyncsPerSecond: number;
  readonly say: (progress: string) => void;
  /** Told, where it is wanted, what is asked of the largest store and what that takes. */
  readonly onQuestions?: ((questions: readonly Question[]) => void) | undefined;
}

/** A contender, and what its store has grown to. */
interface Growth {
  readonly contender: "a" | "b";
  readonly traffic: GrowthTraffic;
  readonly start: ContenderOptions;
  readonly store: string;
  events: number;
}

type Filled = Pick<GrowthPoint, "filling" | "maxRssMib">;
type Measured = Omit<GrowthPoint, "contender" | "actors" | "events" | "filling" | "storeBytesPerEvent">;

const SAY_EVERY_MS = 10_000;

/**
 * Lets the contenders' stores grow side by side, from size to size. Each time they are filled by the path of events itself,
 * through nats-servers that do not fsync every message; then all are started anew, with the repo's nats.conf, and hear
 * further events in turns: whose turn it is not idles.
 */
export async function measureGrowth(options: GrowthOptions): Promise<GrowthPoint[]> {
  const { contenders, sizes, binary, onQuestions } = options;
  const growths: Growth[] = [];
  for (const contender of contenders) growths.push(await openGrowth(contender, options));
  const points: GrowthPoint[] = [];
  for (const size of sizes) {
    const filled: Filled[] = [];
    for (const growth of growths) filled.push(await fill(growth, size, options.say));
    const asked: Question[] = [];
    const isAsked = onQuestions !== undefined && size === sizes.at(-1);
    const measured = await measureSize(growths, options, isAsked ? asked : undefined);
    for (const [index, { contender, store, events }] of growths.entries()) {
      const [own, { filling, maxRssMib }] = [measured[index], filled[index]] as [Measured, Filled];
      points.push({
        contender,
        actors: size,
        filling,
        ...own,
        events,
        maxRssMib: Math.max(maxRssMib, own.maxRssMib),
        storeBytesPerEvent: statSync(store).size / events,
      });
      options.say(JSON.stringify(points.at(-1)));
    }
    const { natsDir, dataDir } = growths.find(({ contender }) => contender === "b")?.start ?? {};
    if (isAsked && natsDir && dataDir) onQuestions([...asked, await rebuildStore(binary, natsDir, dataDir)]);
  }
  return points;
}

interface Started {
  readonly growth: Growth;
  readonly running: RunningContender;
  readonly runner: GrowthRunner;
}

async function openGrowth(contender: "a" | "b", { actors, binary, dir, seed }: GrowthOptions): Promise<Growth> {
  const traffic = actors === "order" ? orderGrowth(seed) : deviceGrowth(seed);
  const [natsDir, dataDir] = [join(dir, contender, "nats"), join(dir, contender, "data")];
  await mkdir(natsDir, { recursive: true });
  await mkdir(dataDir, { recursive: true });
  await layTopology(binary, natsDir, traffic.type);
  // Of paused consumers it would warn.
  const env = { BENCH_ACTORS: actors, BENCH_STALLS: "1", NATSTATE_LOG_LEVEL: "error" };
  const start = { contender, binary, natsDir, dataDir, type: traffic.type, env };
  return { contender, traffic, start, store: join(dataDir, CONTENDERS[contender].store), events: 0 };
}

async function fill(growth: Growth, size: number, say: GrowthOptions["say"]): Promise<Filled> {
  const { contender, traffic, start } = growth;
  await using stack = new AsyncDisposableStack();
  const running = await startContender({ ...start, configPath: await writeLoadingConfig(start.natsDir) });
  stack.defer(() => running.end());
  const { nc, child, readClocks } = running;
  const before = readClocks();
  let events = 0;
  let saidMs = performance.now();
  for (const piece of traffic.fill(size)) {
    await child.unlessDead(publishAll(jetstream(nc), piece));
    events += piece.length;
    if (performance.now() - saidMs < SAY_EVERY_MS) continue;
    saidMs = performance.now();
    say(`  ${contender}: ${events} events to fill it with are stored`);
  }
  await whenHeard(running, traffic);
  growth.events += events;
  return { filling: costs(before, readClocks(), events), maxRssMib: await child.maxRssMib() };
}

/** @returns of each growth, in their order. */
async function measureSize(
  growths: readonly Growth[],
  options: GrowthOptions,
  asked?: Question[],
): Promise<Measured[]> {
  await using stack = new AsyncDisposableStack();
  const started: Started[] = [];
  for (const growth of growths) {
    const running = await startContender(growth.start);
    stack.defer(() => running.end());
    await warmUp(running, growth);
    started.push({ growth, running, runner: stack.use(createGrowthRunner(running, growth.traffic, growth.store)) });
  }
  const runners = started.map(({ runner }) => runner);
  const heard = await takeTurns(runners, options.parts + 1);
  const written = runners.map((runner) => runner.written());
  const measured: Measured[] = [];
  for (const [index, { growth, running }] of started.entries()) {
    const [first, ...parts] = heard[index] as [Part, ...Part[]];
    growth.events += [first, ...parts].reduce((sum, { events }) => sum + events, 0);
    measured.push({
      ...medianCosts(parts),
      first,
      parts,
      ...(written[index] as Written),
      othersPercent: Math.max(...parts.map((part) => part.othersPercent)),
      latency: await measureLatency(running, growth, options),
      startupMs: running.startupMs,
      maxRssMib: await running.child.maxRssMib(),
    });
    const { contender, traffic, start } = growth;
    if (contender === "b") asked?.push(...(await askQuestions(running, traffic.type, start.dataDir)));
  }
  return measured;
}

/** Orders of its own, so that most of its code is compiled. Those of one order come together: it is still in memory. */
async function warmUp(running: RunningContender, growth: Growth): Promise<void> {
  const messages = growth.traffic.warmUp();
  await running.child.unlessDead(publishAll(jetstream(running.nc), messages));
  await whenHeard(running, growth.traffic);
  growth.events += messages.length;
}

async function measureLatency(
  running: RunningContender,
  growth: Growth,
  { actors, dir, seed, fsyncsPerSecond }: GrowthOptions,
): Promise<GrowthLatency | null> {
  const { contender, traffic, store } = growth;
  if (contender !== "b" || actors !== "order") return null;
  // Another one at each size.
  const ownSeed = seed + growth.events;
  const latency = await measureGrowthLatency(running, traffic.type, { seed: ownSeed, store, dir, fsyncsPerSecond });
  growth.events += LIVE_EVENTS;
  traffic.foreign(LIVE_EVENTS / EVENTS_PER_ORDER);
  return latency;
}
