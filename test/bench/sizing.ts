import { readdirSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { parseArgs } from "node:util";
import { orderType } from "../../machines/order/order.ts";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { DECISIONS_STREAM, eventStream } from "../../src/wire/names.ts";
import { type Facts, gatherFacts } from "../facts.ts";
import { type Run, runContender } from "./contender.ts";
import { EVENTS_PER_ORDER, storeWorkload } from "./workload.ts";

/** What one daemon took of the machine for so many orders, as docs/sizing.md shows it. */
export interface Sizing extends Pick<Run, "cpuUsPerEvent" | "serverCpuUsPerEvent" | "maxRssMib" | "othersPercent"> {
  readonly orders: number;
  /** NATSTATE_HOT_ACTORS; null: the default. */
  readonly hotActors: number | null;
  /** Of the store, once the daemon has stopped. */
  readonly storeBytesPerOrder: number;
  /** Of ORDERS and its consumers. */
  readonly streamBytesPerEvent: number;
  readonly streamBytesPerDecision: number;
}

/** What `npm run bench:sizing` writes. */
export interface Sizings extends Facts {
  readonly sizings: readonly Sizing[];
}

const HELP = `npm run bench:sizing -- [--report <file>]

Measures what one daemon takes for 1,000, 10,000 and 100,000 orders of ${EVENTS_PER_ORDER} events: memory, disk and CPU. Takes about ten minutes.
docs/sizing.md shows docs/measured-sizing.json, once npm run docs has put it there.`;

const SEED = 1;
const CASES = [
  { orders: 1000, hotActors: null },
  { orders: 10_000, hotActors: null },
  { orders: 100_000, hotActors: null },
  { orders: 100_000, hotActors: 50_000 },
] as const;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { report: { type: "string" }, help: { type: "boolean", default: false } } });
  if (values.help) return console.log(HELP);
  const dir = await mkdtemp(join(tmpdir(), "natstate-sizing-"));
  try {
    const binary = await findServerBinary({ env: process.env });
    const facts = gatherFacts(binary, dir, SEED);
    const sizings: Sizing[] = [];
    for (const wanted of CASES) {
      sizings.push(await measure(dir, binary.path, wanted));
      console.error(JSON.stringify(sizings.at(-1)));
    }
    const report: Sizings = { ...facts, sizings };
    const text = `${JSON.stringify(report, null, 2)}\n`;
    if (values.report === undefined) console.log(text);
    else writeFileSync(values.report, text);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, binary: string, { orders, hotActors }: (typeof CASES)[number]): Promise<Sizing> {
  const workloadDir = join(dir, `workload-${orders}`);
  const runDir = join(dir, `run-${orders}-${hotActors}`);
  if (!readdirSync(dir).includes(`workload-${orders}`))
    await storeWorkload(binary, workloadDir, { orders, seed: SEED });
  await mkdir(runDir);
  if (hotActors === null) delete process.env.NATSTATE_HOT_ACTORS;
  else process.env.NATSTATE_HOT_ACTORS = String(hotActors);
  const run = await runContender({ contender: "b", orders, binary, workloadDir, dir: runDir, latency: null });
  const streamBytes = (stream: string) => bytesBelow(join(runDir, "nats"), `${sep}streams${sep}${stream}${sep}`);
  const sizing = {
    orders,
    hotActors,
    cpuUsPerEvent: run.cpuUsPerEvent,
    serverCpuUsPerEvent: run.serverCpuUsPerEvent,
    maxRssMib: run.maxRssMib,
    othersPercent: run.othersPercent,
    storeBytesPerOrder: bytesBelow(join(runDir, "data"), "natstate.db") / orders,
    streamBytesPerEvent: streamBytes(eventStream(orderType)) / run.events,
    streamBytesPerDecision: streamBytes(DECISIONS_STREAM) / orders,
  };
  await rm(runDir, { recursive: true, force: true });
  return sizing;
}

/** Of all files whose path has this part. */
function bytesBelow(directory: string, part: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.includes(part))
    .reduce((sum, path) => sum + statSync(path).size, 0);
}
