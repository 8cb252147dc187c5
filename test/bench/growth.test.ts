import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { GrowthPoint } from "./growth.ts";
import type { GrowthLatency } from "./growth-live.ts";
import { growthAims, printGrowth, printLive } from "./growth-report.ts";
import type { Part } from "./growth-runner.ts";
import { deviceGrowth, orderGrowth } from "./growth-traffic.ts";
import { countCauses, type LiveLatency } from "./live.ts";
import { waitForRest } from "./rest.ts";
import { medianCosts, takeTurns } from "./turns.ts";
import { readFrames } from "./wal-frames.ts";
import { isLogCopied, watchWal } from "./wal-pages.ts";

const ms = { p50Ms: 1, p99Ms: 3, maxMs: 5, samples: 100 };
const live: LiveLatency = {
  ...ms,
  acknowledged: ms,
  loopP99Ms: 1,
  loopMaxMs: 4,
  collectorMaxMs: 3,
  commitMaxMs: 0,
  checkpointMaxMs: 0,
  copyMaxMs: 20,
  slow: countCauses([], {}),
};
const facts = { date: "", machine: "", node: "", natsServer: "", load: 0, fsyncsPerSecond: 1, seed: 1 };
const latency: GrowthLatency = {
  afterBurst: { ...live, p99Ms: 80 },
  rest: { isAtRest: true, waitedMs: 2400 },
  atRest: live,
  besideLists: { ...live, p99Ms: 4 },
};
const part: Part = {
  events: 1000,
  othersPercent: 0,
  runMs: 100,
  eventsPerSecond: 8000,
  cpuUsPerEvent: 50,
  serverCpuUsPerEvent: 20,
};
const point: GrowthPoint = {
  contender: "b",
  actors: 10_000,
  events: 70_000,
  filling: { eventsPerSecond: 10_000, cpuUsPerEvent: 70 },
  runMs: 100,
  eventsPerSecond: 8000,
  cpuUsPerEvent: 50,
  serverCpuUsPerEvent: 20,
  startupMs: 900,
  maxRssMib: 300,
  walPagesPerEvent: 4,
  walBytesPerEvent: 32_768,
  diskBytesPerEvent: null,
  walMib: 40,
  storeBytesPerEvent: 600,
  latency,
  first: { ...part, cpuUsPerEvent: 90 },
  parts: [part],
  othersPercent: 0,
};

it("says of each aim whether it is met, of a size without the ceiling beside it nothing of b/a", () => {
  const ceiling = { ...point, contender: "a", parts: [{ ...part, eventsPerSecond: 10_000 }] } as const;
  const million = { ...point, actors: 1_000_000, cpuUsPerEvent: 75, startupMs: 2500, maxRssMib: 500 };
  expect(growthAims([million, ceiling, point])).toEqual([
    "CPU of a further event, with 1,000,000 / with 10,000: 1.50 (aim: at most 1.3; NOT met)",
    "b/a, events/s, at the worst size: 0.80 (aim: at least 0.7; met)",
    "RSS MiB, the most: 500.00 (aim: under 400; NOT met)",
    "start with 1,000,000, s: 2.50 (aim: under 2; NOT met)",
    "p99 ms at 200 events/s, at rest, the most: 3.00 (aim: under 10; met)",
    "p99 ms beside lists, the most: 4.00 (aim: under 10; met)",
    "p99 ms right after the burst, the most: 80.00",
  ]);
});

it("of a slow decision, what took half of its time is its cause, the nearest to us first", () => {
  const at = (fromMs: number, toMs: number) => ({ fromMs, toMs });
  const decisions = [at(0, 9), at(100, 120), at(200, 220), at(300, 320), at(400, 420)];
  const loop = [at(95, 111), at(195, 205)];
  const server = [at(100, 120), at(200, 209), at(205, 212), at(302, 309)];
  const counted = countCauses(decisions, { loop, server });
  expect(counted).toMatchObject({ bench: 0, loop: 1, server: 1, serverBesideCopy: 0, unknown: 2 });
});

it("b/a is of parts that followed each other, in the median, and each figure's spread is beside it", () => {
  const at = (...rates: number[]) => rates.map((eventsPerSecond) => ({ ...part, eventsPerSecond }));
  // The machine was slower for the second parts.
  const a = { ...point, contender: "a", latency: null, parts: at(10_000, 4000, 8000) } as const;
  const b = { ...point, parts: at(5000, 3200, 6000) };
  expect(growthAims([a, b])[1]).toBe("b/a, events/s, at the worst size: 0.75 (aim: at least 0.7; met)");
  const [, , own] = printGrowth({ ...facts, actors: "order", points: [a, b] }).split("\n");
  expect(own).toMatch(/^10,000 +b +50.0 +50 to 50 +90.0 +8,000 +3,200 to 6,000 +0.75 +0.50 to 0.80 /);
});

it("says whether the disk had come to rest, and after how long", () => {
  const restless = { ...latency, rest: { isAtRest: false, waitedMs: 30_100 } };
  const lines = printLive([point, { ...point, actors: 100_000, latency: restless }]).split("\n");
  const names = lines.map((line) => line.trim().split(/ {2,}/)[0]);
  expect(names.slice(1)).toEqual([
    "10,000, right after the burst",
    "at rest, 2 s later",
    "beside lists",
    "100,000, right after the burst",
    "not at rest 30 s later",
    "beside lists",
  ]);
});

it("takes turns round by round, and each figure is the median of its turns", async () => {
  const turns: string[] = [];
  const taker = (name: string) => ({
    takeTurn(left: number) {
      turns.push(`${name}${left}`);
      return Promise.resolve({ ...part, cpuUsPerEvent: left });
    },
  });
  const results = await takeTurns([taker("a"), taker("b")], 3);
  expect(turns).toEqual(["a3", "b3", "a2", "b2", "a1", "b1"]);
  expect(results.map((own) => own.map(({ cpuUsPerEvent }) => cpuUsPerEvent))).toEqual([
    [3, 2, 1],
    [3, 2, 1],
  ]);
  expect(medianCosts(results[0] ?? [])).toMatchObject({ cpuUsPerEvent: 2, eventsPerSecond: 8000 });
});

it("whoever has an event kept back hears it later, and a new one comes for every four", () => {
  const growth = orderGrowth(1);
  const filled = [...growth.fill(20)].flat();
  expect(filled).toHaveLength(80);
  // Of 20 orders five lack what decides.
  expect(growth.decisions()).toBe(15);
  const known = new Set(filled.map(({ actorId }) => actorId));
  const decides = ({ actorId, subject }: TrafficMessage) => known.has(actorId) && /\.(Payment|Inventory)/.test(subject);
  let decisions = 15;
  const further = [4, 3, 2, 1].flatMap((left) => {
    const part = growth.further(left);
    // Five that were kept back, and two new ones.
    expect(part).toHaveLength(7);
    decisions += part.filter(decides).length;
    expect(growth.decisions()).toBe(decisions);
    return part;
  });
  expect(decisions).toBe(20);
  expect(further.filter(({ actorId }) => !known.has(actorId))).toHaveLength(8);
  expect(new Set([...filled, ...further].map(({ subject }) => subject)).size).toBe(108);
});

it("grows from where it was, and a device hears a later heartbeat", () => {
  const growth = deviceGrowth(1, 0);
  const first = new Set([...growth.fill(10)].flat().map(({ actorId }) => actorId));
  const second = new Set([...growth.fill(30)].flat().map(({ actorId }) => actorId));
  expect([first.size, second.size, new Set([...first, ...second]).size]).toEqual([10, 20, 30]);
  const further = growth
    .further(1)
    .map(({ body }) => JSON.parse(String(body)) as { eventId: string; timestamp: string });
  expect(further.filter(({ eventId }) => eventId === "Heartbeat-10")).toHaveLength(30);
  const times = further.map(({ timestamp }) => timestamp);
  expect(times).toEqual([...new Set(times)].sort());
});

it("counts the pages a writer puts into its log, also after the log has started over", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-wal-"));
  const db = new Database(join(dir, "some.db"));
  try {
    db.pragma("journal_mode = WAL");
    db.exec("CREATE TABLE some (value INTEGER)");
    using wal = watchWal(join(dir, "some.db"));
    expect(wal.pageBytes).toBe(4096);
    db.exec("INSERT INTO some VALUES (1)");
    expect(wal.pages()).toBe(1);
    db.pragma("wal_checkpoint(RESTART)");
    db.exec("INSERT INTO some VALUES (2)");
    expect(wal.pages()).toBe(2);
  } finally {
    db.close();
    rmSync(dir, { recursive: true });
  }
});

it("a store is at rest once its log has stayed copied for a while, and the disk is as quick as it was", async () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-rest-"));
  const store = join(dir, "some.db");
  const db = new Database(store);
  try {
    db.pragma("journal_mode = WAL");
    db.exec("CREATE TABLE some (value INTEGER)");
    const wait = (fsyncsPerSecond: number, waitAtMostMs: number) =>
      waitForRest({ store, dir, fsyncsPerSecond, waitAtMostMs, quietForMs: 400 });
    expect(isLogCopied(store)).toBe(false);
    expect(await wait(1, 1000)).toMatchObject({ isAtRest: false });
    db.pragma("wal_checkpoint(PASSIVE)");
    expect(isLogCopied(store)).toBe(true);
    const rest = await wait(1, 10_000);
    expect(rest.isAtRest).toBe(true);
    expect(rest.waitedMs).toBeGreaterThan(390);
    // No disk is that quick.
    expect(await wait(1e9, 300)).toMatchObject({ isAtRest: false });
  } finally {
    db.close();
    rmSync(dir, { recursive: true });
  }
});

it("tells of which table and index the pages are that commits put into the log", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-frames-"));
  const file = join(dir, "some.db");
  const db = new Database(file);
  try {
    db.pragma("journal_mode = WAL");
    db.exec(
      "CREATE TABLE some (value INTEGER); CREATE TABLE other (value INTEGER); CREATE INDEX by_value ON some (value)",
    );
    using frames = readFrames(db, file);
    for (const value of [1, 2]) {
      db.exec(`INSERT INTO some VALUES (${value})`);
      frames.look();
    }
    db.exec("INSERT INTO other VALUES (1)");
    frames.look();
    expect(frames.perTable(2)).toEqual({ some: 1, by_value: 1, other: 0.5 });
  } finally {
    db.close();
    rmSync(dir, { recursive: true });
  }
});
