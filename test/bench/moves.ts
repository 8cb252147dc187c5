import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ConsumerInfo } from "@nats-io/jetstream";
import type { PinState } from "../../src/jetstream/delivery-audit.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { getJson, openWorld, type World } from "../e2e/world.ts";
import { type Facts, gatherFacts } from "../facts.ts";
import { until } from "../until.ts";
import { type ProbeTraffic, startProbeTraffic } from "./probe-traffic.ts";
import { plainOrders } from "./workload.ts";

/** What happens to the second of two daemons. */
const INCIDENTS = ["join", "SIGTERM", "SIGKILL", "SIGSTOP"] as const;
type Incident = (typeof INCIDENTS)[number];

/** Of how long nothing was decided in a partition that moved, ms: every such partition of every repetition. */
export interface MoveFigures {
  readonly incident: Incident;
  readonly repetitions: number;
  readonly partitions: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the partitions that stayed where they were, the longest. */
  readonly othersMaxMs: number;
}

/** What `npm run bench:moves` writes: a file has a list of these, one of each number of orders, standbys and incident. */
export interface Moves extends Facts {
  readonly orders: number;
  readonly standbys: number;
  readonly eventsPerSecond: number;
  readonly figures: readonly MoveFigures[];
  /** Decisions that did not go on from the one before: 0, or something is wrong. */
  readonly wrongRevisions: number;
}

const HELP = `npm run bench:moves -- [--orders <n>] [--standbys 0|1] [--times <n>] [--only ${INCIDENTS.join(",")}] [--report <file>]

Two daemons share 16 partitions under ${200} events a second, of which each leads to a decision. The second one joins, is told
to end, is killed and is frozen, as often as --times says (3); for each partition that moves it is measured how long nothing
was decided in it. --orders: plain orders in the log beforehand (1000). --report: adds the
figures to a JSON file, docs/operate.md shows docs/measured-moves.json; else they are printed.
A repetition of all four takes about a minute.`;

const EVENTS_PER_SECOND = 200;
const PARTITIONS = 16;
/** What one of them takes at most. */
const INCIDENT_MS = 180_000;
/** Of what is to be decided before the incident. */
const CALM_MS = 2000;

interface Setting {
  readonly world: World;
  readonly traffic: ProbeTraffic;
  readonly first: DaemonProcess;
  readonly standbys: string;
}

/** The waits of partitions, ms. */
interface Waits {
  readonly moved: readonly number[];
  readonly others: readonly number[];
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      orders: { type: "string", default: "1000" },
      standbys: { type: "string", default: "0" },
      times: { type: "string", default: "3" },
      only: { type: "string", default: INCIDENTS.join(",") },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const wanted = values.only.split(",");
  await using world = await openWorld();
  const facts = gatherFacts(await findServerBinary({ env: process.env }), world.dataDir, 1);
  const first = await startDaemon(world, "first", values.standbys);
  await world.publish(plainOrders({ orders: Number(values.orders), seed: 1 }));
  await world.settle(first, INCIDENT_MS);
  const traffic = await startProbeTraffic(world.session, {
    eventsPerSecond: EVENTS_PER_SECOND,
    partitions: PARTITIONS,
  });
  const measured = new Map(INCIDENTS.map((incident): [Incident, Waits[]] => [incident, []]));
  const setting = { world, traffic, first, standbys: values.standbys };
  for (let time = 1; time <= Number(values.times); time++) {
    for (const incident of INCIDENTS.filter((each) => wanted.includes(each))) {
      for (const [name, waits] of await repeat(setting, incident)) {
        measured.get(name)?.push(waits);
        console.error(`${time} ${name}`, waits.moved.map(Math.round).join(" "));
      }
    }
  }
  await traffic.stop();
  const figures = INCIDENTS.map((incident) => figuresOf(incident, measured.get(incident) ?? []));
  const report: Moves = {
    ...facts,
    orders: Number(values.orders),
    standbys: Number(values.standbys),
    eventsPerSecond: EVENTS_PER_SECOND,
    figures: figures.filter(({ repetitions }) => repetitions > 0),
    wrongRevisions: await countWrongRevisions(world),
  };
  if (values.report === undefined) console.log(JSON.stringify(report, null, 2));
  else addTo(values.report, report);
}

/** Figures of the same case that the file has are replaced. */
function addTo(path: string, report: Moves): void {
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Moves[]) : [];
  const isReplaced = ({ orders, standbys }: Moves, { incident }: MoveFigures) =>
    orders === report.orders && standbys === report.standbys && report.figures.some((one) => one.incident === incident);
  const others = before
    .map((each) => ({ ...each, figures: each.figures.filter((one) => !isReplaced(each, one)) }))
    .filter(({ figures }) => figures.length > 0);
  writeFileSync(path, `${JSON.stringify([...others, report], null, 2)}\n`);
}

/** A daemon joins with nothing in its store, and goes as `incident` says; a join is measured with each. */
async function repeat(setting: Setting, incident: Incident): Promise<(readonly [Incident, Waits])[]> {
  const { world, first, standbys } = setting;
  await rm(join(world.dataDir, "second"), { recursive: true, force: true });
  let second: DaemonProcess | undefined;
  const joined = await measure(setting, async () => {
    second = await startDaemon(world, "second", standbys);
    await until(
      "half each",
      async () => (await held(first)) === 8 && second && (await held(second)) === 8,
      INCIDENT_MS,
    );
  });
  if (second === undefined) return [];
  const leaving = second;
  if (incident === "join") {
    await leaving.stop();
    await until("the first has all", async () => (await held(first)) === PARTITIONS, INCIDENT_MS);
    return [["join", joined]];
  }
  const gone = await measure(setting, async () => {
    leaving.signal(incident);
    await until("the first has all", async () => (await held(first)) === PARTITIONS, INCIDENT_MS);
  });
  if (incident === "SIGSTOP") await leaving.kill9();
  else await leaving.exited;
  return [
    ["join", joined],
    [incident, gone],
  ];
}

/** How long nothing was decided while something happens. */
async function measure({ world, traffic }: Setting, happen: () => Promise<void>): Promise<Waits> {
  await delay(CALM_MS);
  await traffic.settled(INCIDENT_MS);
  const before = await pins(world);
  const fromMs = performance.now();
  await happen();
  await delay(CALM_MS);
  await traffic.settled(INCIDENT_MS);
  const after = await pins(world);
  const waits = [...traffic.longestWaits(fromMs)];
  const hasMoved = (lane: number) => before[lane] !== after[lane];
  return {
    moved: waits.filter(([lane]) => hasMoved(lane)).map(([, wait]) => wait),
    others: waits.filter(([lane]) => !hasMoved(lane)).map(([, wait]) => wait),
  };
}

/** By partition, who is pinned to its consumer. */
async function pins({ session }: World): Promise<readonly string[]> {
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) => `orders-${partition}`);
  return Promise.all(
    lanes.map(async (name) => {
      const info: ConsumerInfo & PinState = await session.jsm.consumers.info("ORDERS", name);
      return JSON.stringify(info.priority_groups?.map(({ pinned_client_id }) => pinned_client_id));
    }),
  );
}

async function startDaemon(world: World, name: string, standbys: string): Promise<DaemonProcess> {
  return world.start({
    NATSTATE_DATA: join(world.dataDir, name),
    ...(standbys !== "0" && { NATSTATE_STANDBYS: standbys }),
  });
}

/** As the stream has them: a subscriber also hears those that it refuses. */
async function countWrongRevisions({ session }: World): Promise<number> {
  const revisions = new Map<string, number>();
  let wrong = 0;
  for await (const batch of readStream(session, "DECISIONS")) {
    for (const { subject, header } of batch) {
      const revision = Number(header("Natstate-Revision"));
      if (revision !== (revisions.get(subject) ?? 0) + 1) wrong++;
      revisions.set(subject, revision);
    }
  }
  return wrong;
}

/** Partitions a daemon reads as their owner. */
async function held(daemon: DaemonProcess): Promise<number> {
  const { checks } = await getJson(daemon, "/readyz");
  return Number(/^(\d+) of/.exec(checks.partitions.detail)?.[1]);
}

function figuresOf(incident: Incident, all: readonly Waits[]): MoveFigures {
  const sorted = all.flatMap(({ moved }) => moved).sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return {
    ...{ incident, repetitions: all.length, partitions: sorted.length },
    ...{ p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) },
    othersMaxMs: Math.round(Math.max(0, ...all.flatMap(({ others }) => others))),
  };
}
