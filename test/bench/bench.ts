import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { boundHeap } from "../../src/daemon/heap.ts";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { type Facts, gatherFacts } from "../facts.ts";
import { CONTENDERS, type Contender, type Run, runContender } from "./contender.ts";
import { type DaemonsRun, runDaemons } from "./daemons.ts";
import { type DaemonsReport, daemonsPieces } from "./daemons-report.ts";
import { measureGrowth } from "./growth.ts";
import { printQuestions, type Question } from "./growth-questions.ts";
import { type GrowthReport, printGrowth } from "./growth-report.ts";
import { measureHosting } from "./hosting.ts";
import { measureLateFacts, measureReversed } from "./hosting-delays.ts";
import { printHosting } from "./hosting-report.ts";
import { profileArgs, readProfile } from "./profile.ts";
import { compare, printComparison, printFacts, summarise, table } from "./report.ts";
import { MOST_DAEMONS, summariseDaemons } from "./scaling.ts";
import { EVENTS_PER_ORDER, storeWorkload } from "./workload.ts";

const HELP = `npm run bench -- [options]

Measures natstate (b) against a ceiling without XState (a) and the naive way (c): same server, same seeded workload.

  --orders N    orders of ${EVENTS_PER_ORDER} events (default 10000; c gets at most 1000)
  --only a,b,c  which contenders
  --repeat R    R times, interleaved; medians (default 1). With --growth: further events in R parts, a and b in turns (default 3)
  --seed S      of the workload (default 1)
  --growth      a and b side by side, with ever more orders in their stores: what each further event takes, what else grows
  --sizes N,N   with --growth: so many orders in the store (default 10000,100000,1000000; a million takes about 20 minutes)
  --questions   with --growth: what lists, histories, verify --all and rebuild take with the largest store
  --actors T    with --growth: order, or device, which has delays and no ceiling (default order)
  --hosting     the order as a merge machine and as an ordinary statechart by event time, without NATS: cost per event in
                order and with late events (at most 4000 orders); what a late fact and facts in reverse take
  --daemons 1,2,4
                so many daemons, one after the other, that share the partitions of one nats-server; computed for up to 16
  --report F    with --daemons or --growth: the figures as JSON in a file; docs/sizing.md shows docs/measured-daemons.json
  --profile     natstate alone under Node's CPU profiler: where its main thread's time goes
  --json        figures as JSON on standard output`;

/** One at a time, 50,000 events would take most of a minute and say the same. */
const MAX_NAIVE_ORDERS = 1000;
const MAX_HOSTED_ORDERS = 4000;
const LATE_FACTS = { actors: 40, facts: 1000 };
const REVERSED = { facts: 10_000, perSecond: 1000, giveUpMs: 120_000 };
const LATENCY = { eventsPerSecond: 200, seconds: 10, rampUpSeconds: 1 };

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "10000" },
    only: { type: "string", default: "a,b,c" },
    repeat: { type: "string" },
    seed: { type: "string", default: "1" },
    hosting: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    sizes: { type: "string", default: "10000,100000,1000000" },
    questions: { type: "boolean", default: false },
    actors: { type: "string", default: "order" },
    daemons: { type: "string" },
    report: { type: "string" },
    profile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const orders = toWhole("--orders", values.orders);
const repeat = toWhole("--repeat", values.repeat ?? (values.growth ? "3" : "1"));
const seed = toWhole("--seed", values.seed);
const daemonCounts = values.daemons?.split(",").map(toDaemons) ?? [];
const sizes = values.sizes.split(",").map((size) => toWhole("--sizes", size));
const only = values.only.split(",").map(toContender);

// Leaving by `exit` ends the servers; a signal by itself would not. What is in the temp directory stays.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
if (values.help) console.log(HELP);
else await bench();

async function bench(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "natstate-bench-"));
  try {
    const binary = await findServerBinary({ env: process.env, onProgress: say });
    const facts = gatherFacts(binary, dir, seed);
    if (!values.json) console.log(`${printFacts(facts)}\n`);
    const measure = await openBench(dir, binary.path);
    if (daemonCounts.length > 0) await daemons(facts, dir, binary.path);
    else if (values.profile) await profile(dir, measure);
    else if (values.hosting) await hosting(facts);
    else if (values.growth) await growth(facts, dir, binary.path);
    else await comparison(facts, measure);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Wanted {
  readonly contender: Contender;
  readonly orders: number;
  readonly withLatency: boolean;
  readonly execArgv?: readonly string[];
}

type Measure = (wanted: Wanted) => Promise<Run>;

/** Stores each size of workload once and hands out copies. */
async function openBench(dir: string, binary: string): Promise<Measure> {
  const workloads = new Map<number, string>();
  let count = 0;
  return async ({ contender, orders, withLatency, execArgv = [] }) => {
    let workloadDir = workloads.get(orders);
    if (workloadDir === undefined) {
      workloadDir = join(dir, `workload-${orders}`);
      say(`storing ${orders * EVENTS_PER_ORDER} events`);
      await storeWorkload(binary, workloadDir, { orders, seed });
      workloads.set(orders, workloadDir);
    }
    const runDir = join(dir, `run-${++count}`);
    await mkdir(runDir);
    const latency = withLatency ? { ...LATENCY, seed } : null;
    say(`${CONTENDERS[contender].label}, ${orders} orders${latency ? `, then ${LATENCY.seconds} s live` : ""}`);
    const run = await runContender({ contender, orders, binary, workloadDir, dir: runDir, latency, execArgv });
    say(
      `  ${Math.round(run.eventsPerSecond)} events/s, ${run.cpuUsPerEvent.toFixed(1)} us CPU per event, others ${run.othersPercent.toFixed(0)} %`,
    );
    await rm(runDir, { recursive: true, force: true });
    return run;
  };
}

async function comparison(facts: object, measure: Measure): Promise<void> {
  const runs: Run[] = [];
  for (let round = 0; round < repeat; round++) {
    for (const contender of only) {
      const bounded = contender === "c" ? Math.min(orders, MAX_NAIVE_ORDERS) : orders;
      runs.push(await measure({ contender, orders: bounded, withLatency: true }));
    }
  }
  const summaries = only.map((contender) =>
    summarise(
      contender,
      runs.filter((run) => run.contender === contender),
    ),
  );
  const ratios = compare(summaries);
  if (values.json) return console.log(JSON.stringify({ facts, summaries, ratios, runs }, null, 2));
  console.log(printComparison(summaries, ratios));
  if (orders > MAX_NAIVE_ORDERS)
    console.log(`\nc was given ${MAX_NAIVE_ORDERS} orders only; its rate does not depend on it.`);
}

async function growth(facts: Facts, dir: string, binary: string): Promise<void> {
  const { actors } = values;
  if (actors !== "order" && actors !== "device") throw new Error(`--actors ${actors}: expected order or device`);
  const { fsyncsPerSecond } = facts;
  const contenders = (["a", "b"] as const).filter((one) => only.includes(one) && (one === "b" || actors === "order"));
  const onQuestions = values.questions ? (told: readonly Question[]) => say(printQuestions(told)) : undefined;
  const wanted = {
    contenders,
    actors,
    sizes,
    parts: repeat,
    seed,
    binary,
    dir,
    fsyncsPerSecond,
    say,
    onQuestions,
  } as const;
  const report: GrowthReport = { ...facts, actors, points: await measureGrowth(wanted) };
  await write(report);
  if (!values.json) console.log(printGrowth(report));
}

/** As JSON, where it is wanted. */
async function write(report: object): Promise<void> {
  const json = JSON.stringify(report, null, 2);
  if (values.report !== undefined) await writeFile(values.report, `${json}\n`);
  if (values.json) console.log(json);
}

async function daemons(facts: Facts, dir: string, binary: string): Promise<void> {
  const runs: DaemonsRun[] = [];
  for (let round = 1; round <= repeat; round++) {
    for (const count of daemonCounts) {
      const runDir = join(dir, `daemons-${round}-${count}`);
      await mkdir(runDir);
      say(`round ${round}, daemons: ${count}, ${orders} orders`);
      runs.push(await runDaemons({ daemons: count, orders, seed, binary, dir: runDir }));
      say(`  ${JSON.stringify(runs.at(-1))}`);
      await rm(runDir, { recursive: true, force: true });
    }
  }
  const report: DaemonsReport = { ...facts, cores: availableParallelism(), summaries: summariseDaemons(runs) };
  await write(report);
  if (values.json) return;
  const pieces = daemonsPieces(report).map((piece) => (typeof piece === "string" ? piece : table(piece)));
  console.log(pieces.join("\n\n"));
}

async function hosting(facts: object): Promise<void> {
  const hosted = measureHosting({ orders: Math.min(orders, MAX_HOSTED_ORDERS), repeat, seed });
  say("facts heard late");
  // As a daemon's is: collections are what the slow ones wait for.
  boundHeap();
  const lateFacts = await measureLateFacts({ ...LATE_FACTS, seed });
  say("facts in reverse");
  const reversed = await measureReversed(REVERSED);
  const figures = { hosted, lateFacts, reversed };
  console.log(values.json ? JSON.stringify({ facts, ...figures }, null, 2) : printHosting(figures));
}

async function profile(dir: string, measure: Measure): Promise<void> {
  const profileDir = join(dir, "profile");
  const run = await measure({ contender: "b", orders, withLatency: false, execArgv: profileArgs(profileDir) });
  const { totalMs, idleMs, functions, rooms } = await readProfile(profileDir, run.bounds);
  const busyMs = totalMs - idleMs;
  const rows = (shares: typeof functions) =>
    shares.map(({ name, ms }) => [
      name,
      `${((100 * ms) / busyMs).toFixed(1)} %`,
      `${((1000 * ms) / run.events).toFixed(2)} us/event`,
    ]);
  if (values.json) return console.log(JSON.stringify({ run, totalMs, idleMs, functions, rooms }, null, 2));
  console.log(`main thread: ${Math.round(busyMs)} ms busy, ${Math.round(idleMs)} ms idle, ${run.events} events\n`);
  console.log(`${table(rows(rooms.slice(0, 20)))}\n\n${table(rows(functions.slice(0, 60)))}`);
}

function toWhole(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`${option} ${text}: expected a whole number from 1 to 9999999`);
  return Number(text);
}

function toDaemons(text: string): number {
  const count = toWhole("--daemons", text);
  if (count > MOST_DAEMONS)
    throw new Error(`--daemons ${text}: expected at most ${MOST_DAEMONS}, one for each partition`);
  return count;
}

function toContender(text: string): Contender {
  if (text === "a" || text === "b" || text === "c") return text;
  throw new Error(`--only ${text}: expected some of a, b, c, separated by commas`);
}

function say(progress: string): void {
  process.stderr.write(`${progress}\n`);
}
