import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "node:zlib";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import type { TakenDecision } from "../../src/flow/rows.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { createOutbox } from "../../src/store/outbox.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { eventStream } from "../../src/wire/names.ts";
import { deliver } from "../flow/delivery.ts";
import { deviceGrowth, type GrowthTraffic, orderGrowth } from "./growth-traffic.ts";
import { table, whole } from "./report.ts";
import { type PageCounts, readFrames } from "./wal-frames.ts";

const HELP = `npm run bench:path -- [options]

What a further event costs on the path alone, on a SQLite file and without NATS, with ever more actors in the store: CPU, and
how many pages of which table or index a commit puts into the write-ahead log. Less noisy than npm run bench -- --growth.

  --actors T    order, or device, which has delays (default order)
  --sizes N,N   so many of them in the store (default 10000,100000)
  --events N    further events (default 20000)
  --batch N     events of one commit (default 1000, as NATSTATE_BATCH_EVENTS)
  --runs R      each from a copy of the same store; the quickest counts (default 3)
  --stores DIR  keeps the filled stores there, and takes those it finds
  --pages       counts pages, in one more run
  --json        figures as JSON`;

const PARTITIONS = 16;
const HOT_ACTORS = 4000;
const FILL_BATCH = 1000;
const WARM_UP = 4000;
/** Shortly before the deliveries are stored. */
const DEVICES_MS = Date.parse("2026-03-01T00:00:00Z");

/** What a further event takes, with so many orders in the store. */
interface PathPoint {
  readonly actors: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly pages: PageCounts | null;
  readonly pageBytes: number;
}

const { values } = parseArgs({
  options: {
    actors: { type: "string", default: "order" },
    sizes: { type: "string", default: "10000,100000" },
    events: { type: "string", default: "20000" },
    batch: { type: "string", default: "1000" },
    runs: { type: "string", default: "3" },
    stores: { type: "string" },
    pages: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(HELP);
else bench(values.stores ?? mkdtempSync(join(tmpdir(), "natstate-path-")));

function bench(dir: string): void {
  mkdirSync(dir, { recursive: true });
  try {
    const points = values.sizes.split(",").map((size) => measureSize(dir, Number(size)));
    console.log(values.json ? JSON.stringify(points, null, 2) : print(points));
  } finally {
    if (values.stores === undefined) rmSync(dir, { recursive: true });
  }
}

function measureSize(dir: string, size: number): PathPoint {
  const traffic = values.actors === "device" ? deviceGrowth(1, DEVICES_MS) : orderGrowth(1);
  const deliveries = createDeliveries(traffic);
  const file = join(dir, `${values.actors}s-${size}.db`);
  const filled = fill(traffic, deliveries, file, size);
  const warm = deliveries(traffic.warmUp(), filled.next).slice(0, WARM_UP);
  const further = deliveries(traffic.further(1), filled.next + WARM_UP).slice(0, Number(values.events));
  const runs = Array.from({ length: Number(values.runs) }, () => run(file, warm, further, false));
  const quickest = runs.reduce((a, b) => (b.userUs + b.systemUs < a.userUs + a.systemUs ? b : a));
  const pages = values.pages ? run(file, warm, further, true).pages : null;
  return { ...quickest, actors: size, pages };
}

function fill(traffic: GrowthTraffic, deliveries: Deliveries, file: string, size: number): { readonly next: number } {
  const station = existsSync(file) ? undefined : openPath(file);
  let next = 1;
  for (const piece of traffic.fill(size)) {
    if (station !== undefined) {
      for (const batch of batchesOf(deliveries(piece, next), FILL_BATCH)) station.apply(batch);
    }
    next += piece.length;
  }
  station?.close();
  return { next };
}

function run(
  from: string,
  warm: readonly Delivery[],
  further: readonly Delivery[],
  isCounting: boolean,
): Omit<PathPoint, "actors"> {
  const file = `${from}-run`;
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  copyFileSync(from, file);
  const path = openPath(file);
  for (const batch of batchesOf(warm, FILL_BATCH)) path.apply(batch);
  using frames = isCounting ? readFrames(path.db, file) : undefined;
  const before = process.cpuUsage();
  for (const batch of batchesOf(further, Number(values.batch))) {
    path.apply(batch);
    frames?.look();
  }
  const { user, system } = process.cpuUsage(before);
  const pages = frames?.perTable(further.length) ?? null;
  const pageBytes = path.db.pragma("page_size", { simple: true }) as number;
  path.close();
  for (const suffix of ["", "-wal", "-shm", ".lock"]) rmSync(file + suffix, { force: true });
  return { userUs: user / further.length, systemUs: system / further.length, pages, pageBytes };
}

/** Batches as the daemon applies them; what they decide is published at once. */
function openPath(file: string) {
  const { db, close } = openDatabase(file);
  const journal = createJournal(db);
  const actors = createHotActors(journal, HOT_ACTORS, () => {});
  const processor = createProcessor(journal, actors, { maxBytes: 65_536 });
  const outbox = createOutbox(db);
  let published = db.prepare("SELECT coalesce(max(published), 0) FROM decisions").pluck().get() as number;
  return {
    db,
    close,
    apply(batch: readonly Delivery[]): void {
      const { decisions } = processor.apply(batch);
      const publish = (row: TakenDecision) => ({ row: { ...row, traceparent: null }, sequence: ++published });
      if (decisions.length > 0) outbox.markPublished(decisions.map(publish), []);
    },
  };
}

/** Messages as the stream would hand them over, the first with this sequence. */
type Deliveries = (messages: readonly TrafficMessage[], first: number) => Delivery[];

function createDeliveries({ type }: GrowthTraffic): Deliveries {
  const stream = eventStream(type);
  const lanes = Array.from({ length: PARTITIONS }, (_, partition): Lane => ({ type, stream, partition }));
  return (messages, first) =>
    messages.map(({ subject, body, actorId = "" }, index) => {
      const lane = lanes[crc32(actorId) % PARTITIONS] as Lane;
      return deliver(first + index, subject, body, { lane });
    });
}

function* batchesOf(all: readonly Delivery[], size: number): Generator<readonly Delivery[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

function print(points: readonly PathPoint[]): string {
  const head = [
    `${values.actors}s in the store`,
    "CPU us, a further event",
    "user",
    "system",
    "pages/event",
    "KiB/event",
  ];
  const sum = ({ pages }: PathPoint) => Object.values(pages ?? {}).reduce((total, count) => total + count, 0);
  const rows = points.map((point) => [
    whole(point.actors),
    (point.userUs + point.systemUs).toFixed(1),
    point.userUs.toFixed(1),
    point.systemUs.toFixed(1),
    point.pages === null ? "" : sum(point).toFixed(2),
    point.pages === null ? "" : ((sum(point) * point.pageBytes) / 1024).toFixed(1),
  ]);
  const names = [...new Set(points.flatMap(({ pages }) => Object.keys(pages ?? {})))];
  const byTable = names.map((name) => [name, ...points.map(({ pages }) => (pages?.[name] ?? 0).toFixed(3))]);
  const pages = ["pages/event of", ...points.map(({ actors }) => whole(actors))];
  return [table([head, ...rows]), ...(names.length > 0 ? [table([pages, ...byTable])] : [])].join("\n\n");
}
