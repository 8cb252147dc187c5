import { join } from "node:path";
import type { CheckOptions, Findings } from "./checker.ts";
import { type ClusterWorld, type ClusterWorldOptions, openClusterWorld } from "./cluster-world.ts";
import type { Stage } from "./stage.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

/** One kind of trouble, and how it is made. */
interface Trouble<Where extends Stage> {
  readonly name: string;
  /** One line for the table. */
  readonly about: string;
  /** Fewer strikes than this, and the run proves nothing. */
  readonly leastStrikes: number;
  /** Events that have to be in ORDERS at the end at least; 200 when absent. */
  readonly leastEvents?: number;
  readonly check?: CheckOptions;
  /** False where the stream no longer holds everything, or holds too much to read it twice. */
  readonly rebuild?: boolean;
  /** Strikes. Leaves one daemon running, that of `world.dataDir`, with nothing wrong any more. */
  strike(world: Where): Promise<void>;
}

/** Trouble where there is one nats-server. */
export interface Fault extends Trouble<World> {
  readonly world?: WorldOptions;
}

/** Trouble of a cluster of three. */
export interface ClusterFault extends Trouble<ClusterWorld> {
  readonly cluster: ClusterWorldOptions;
}

/** What became of one fault. */
export interface Outcome {
  readonly fault: string;
  readonly strikes: number;
  readonly events: number;
  readonly decisions: number;
  readonly lost: number;
  readonly doubled: number;
  readonly wrong: number;
  readonly seconds: number;
  /** Empty when all is well. */
  readonly violations: readonly string[];
  readonly notes: readonly string[];
}

/** Lets a fault strike, then checks everything, then rebuilds the store from the stream and checks that. */
export async function runFault(fault: Fault | ClusterFault, seed: number): Promise<Outcome> {
  return "cluster" in fault
    ? runIn(fault, () => openClusterWorld(seed, fault.cluster))
    : runIn(fault, () => openWorld(seed, fault.world));
}

async function runIn<Where extends Stage>(fault: Trouble<Where>, open: () => Promise<Where>): Promise<Outcome> {
  const startedMs = performance.now();
  await using world = await open();
  let findings: Findings | undefined;
  const violations: string[] = [];
  try {
    await fault.strike(world);
    await world.settle();
    findings = await world.checker.check(world.daemon().httpUrl, fault.check);
    violations.push(...findings.lost, ...findings.doubled, ...findings.wrong);
    if (fault.rebuild !== false) violations.push(...(await compareRebuilt(world, findings)));
  } catch (error) {
    violations.push((error as Error).stack ?? String(error));
  }
  const { events = 0, decisions = 0 } = findings ?? {};
  const least = fault.leastEvents ?? 200;
  if (events < least) violations.push(`little happened: ${events} events, at least ${least} expected`);
  if (world.strikes() < fault.leastStrikes) {
    violations.push(`little happened: ${world.strikes()} strikes, at least ${fault.leastStrikes} expected`);
  }
  return {
    fault: fault.name,
    strikes: world.strikes(),
    events,
    decisions,
    lost: findings?.lost.length ?? 0,
    doubled: findings?.doubled.length ?? 0,
    wrong: findings?.wrong.length ?? 0,
    seconds: (performance.now() - startedMs) / 1000,
    violations,
    notes: world.notes(),
  };
}

/** The store has to equal one made anew from the stream, and making it must publish nothing. */
async function compareRebuilt(world: Stage, before: Findings): Promise<string[]> {
  const outputs = async () => ({
    DECISIONS: await world.streamSize("DECISIONS"),
    DEAD_LETTERS: await world.streamSize("DEAD_LETTERS"),
  });
  const sizes = JSON.stringify(await outputs());
  const code = await world.daemon().stop();
  const rebuilt = await world.start({ dataDir: join(world.dataDir, "rebuilt") });
  await world.settle(rebuilt);
  const after = await world.checker.check(rebuilt.httpUrl);
  const differing = [...before.answers].filter(([id, answer]) => after.answers.get(id) !== answer);
  const violations = [...after.lost, ...after.doubled, ...after.wrong].map((line) => `rebuilt: ${line}`);
  if (code !== 0) violations.push(`SIGTERM ended with ${code}`);
  if (JSON.stringify(await outputs()) !== sizes)
    violations.push(`rebuilding published anew: ${sizes} became ${JSON.stringify(await outputs())}`);
  for (const [id, answer] of differing)
    violations.push(`${id}: ${answer} became ${after.answers.get(id)} when rebuilt`);
  return violations;
}
