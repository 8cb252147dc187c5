import { expect, it } from "vitest";
import { createStreamTimes } from "../../src/flow/stream-times.ts";
import { startTickLooks, type TickLooksOptions } from "../../src/flow/tick-looks.ts";
import { createTicks, type DueActor, type Tick } from "../../src/flow/ticks.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { waitingLane } from "./waiting-type.ts";

const lane = waitingLane();
const START = Date.parse("2026-01-01T10:00:00Z");

type Options = Partial<TickLooksOptions> & { readonly perSecond?: number };

/** Looks over actors that wait in one lane; the stream's time begins at 10:00, and the lane is read to its end when asked. */
function open(waiting: DueActor[], { perSecond = 1000, ...options }: Options = {}) {
  const clock = createTestClock();
  const times = createStreamTimes(clock);
  times.read(lane.stream, START);
  const ticks = createTicks({ clock, perSecond, random: () => 0 });
  const queries: number[] = [];
  const asked: number[] = [];
  const published: { readonly tick: Tick; readonly atMs: number }[] = [];
  const looks = startTickLooks({
    ...{ clock, times, ticks },
    lanes: () => [lane],
    findDue(_, before, limit) {
      queries.push(clock.now());
      return waiting.filter(({ due }) => due < before).slice(0, limit);
    },
    async ask(lanes) {
      asked.push(clock.now());
      times.read(lane.stream, START + clock.now());
      for (const behind of lanes) times.caughtUp(behind, START + clock.now());
    },
    publish: (tick) => void published.push({ tick, atMs: clock.now() }),
    onTrouble() {},
    ...options,
  });
  return { clock, times, ticks, looks, queries, asked, published };
}

const waits = (actorId: string, inMs: number): DueActor => ({ actorId, due: new Date(START + inMs).toISOString() });

it("a tick goes out when its delay and the grace are over, and the server was asked how far the lane is", async () => {
  const { clock, asked, published } = open([waits("c-1", 10_000)]);
  await clock.pass(11_999);
  expect(published).toEqual([]);
  await clock.pass(1);
  expect(published).toEqual([{ tick: { lane, ...waits("c-1", 10_000) }, atMs: 12_000 }]);
  expect(asked).toEqual([12_000]);
});

it("whose tick was heard is forgotten when the lane is looked at next, also when nobody else is overdue", async () => {
  const waiting = [waits("c-1", 1000), waits("c-2", 3_600_000)];
  const { clock, ticks, looks } = open(waiting);
  await clock.pass(3000);
  expect(ticks.onTheirWay(lane.type)).toBe(1);
  waiting.shift();
  looks.stir(lane);
  await clock.pass(250);
  expect(ticks.onTheirWay(lane.type)).toBe(0);
});

it("a million waiting delays cost one query a lane and minute, and no question", async () => {
  const { clock, times, queries, asked } = open([waits("c-1", 3_600_000)]);
  for (let minute = 0; minute < 10; minute++) {
    await clock.pass(30_000);
    times.read(lane.stream, START + clock.now());
    await clock.pass(30_000);
    times.read(lane.stream, START + clock.now());
  }
  expect(queries.length).toBeLessThanOrEqual(11);
  expect(asked).toEqual([]);
});

it("what an event makes an actor wait for is seen, and however many events there are it is looked once in 250 ms", async () => {
  const waiting = [waits("c-1", 3_600_000)];
  const { clock, looks, queries, published } = open(waiting);
  await clock.pass(1000);
  const before = queries.length;
  waiting.unshift(waits("c-0", -500));
  for (let ms = 0; ms < 1000; ms++) {
    looks.stir(lane);
    await clock.pass(1);
  }
  expect(new Set(queries.slice(before)).size).toBeLessThanOrEqual(4);
  await clock.pass(400);
  expect(published.map(({ tick }) => tick.actorId)).toEqual(["c-0"]);
});

it("however many lanes have something due, it is looked once in 250 ms", async () => {
  const lanes = Array.from({ length: 20 }, (_, partition) => ({ ...lane, partition }));
  const looked = new Set<number>();
  const { clock, published } = open([], {
    lanes: () => lanes,
    findDue(of, before) {
      looked.add(clock.now());
      return [waits(`c-${of.partition}`, 1000 + of.partition * 10)].filter(({ due }) => due < before);
    },
  });
  await clock.pass(3900);
  expect(published).toHaveLength(20);
  const gaps = [...looked].map((atMs, index, all) => atMs - (all[index - 1] ?? Number.NEGATIVE_INFINITY));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(250);
});

it("after an outage the oldest go first over all lanes", async () => {
  const waiting = Array.from({ length: 400 }, (_, index) => waits(`c-${index}`, index));
  const lanes = Array.from({ length: 8 }, (_, partition) => ({ ...lane, partition }));
  const heard = new Set<string>();
  const { clock, looks, published } = open([], {
    perSecond: 50,
    lanes: () => lanes,
    findDue: ({ partition }, before, limit) =>
      waiting
        .filter(({ due, actorId }, index) => index % 8 === partition && due < before && !heard.has(actorId))
        .slice(0, limit),
  });
  // What is applied hastens the lanes, each at another time.
  for (let ms = 0; ms < 12_000; ms += 10) {
    await clock.pass(10);
    for (const of of lanes) if (ms % (90 + of.partition) < 10) looks.stir(of);
    for (const { tick } of published) heard.add(tick.actorId);
  }
  const order = published.map(({ tick }) => Number(tick.actorId.slice(2)));
  expect(order).toHaveLength(400);
  expect(Math.max(...order.map((index, at) => Math.abs(index - at)))).toBeLessThan(50);
});

it("a message that was applied says as well that the lane has been read, without a question", async () => {
  const { clock, times, asked, published } = open([waits("c-1", 1000)]);
  await clock.pass(2900);
  expect(asked).toHaveLength(0);
  times.applied(lane, START + 3000);
  await clock.pass(350);
  expect(published).toHaveLength(1);
  expect(asked).toHaveLength(0);
});

it("a lane that is not read to there has none, and it is asked once a second", async () => {
  const asked: number[] = [];
  const { clock, published } = open([waits("c-1", 1000)], { ask: async () => void asked.push(1) });
  await clock.pass(13_000);
  expect(published).toEqual([]);
  expect(asked.length).toBeGreaterThanOrEqual(9);
  expect(asked.length).toBeLessThanOrEqual(11);
});

it("nothing is published of a lane that went while it was asked, and nothing while none is ours", async () => {
  let own: readonly Lane[] = [lane];
  const { clock, times, published, queries } = open([waits("c-1", 1000)], {
    lanes: () => own,
    async ask() {
      times.caughtUp(lane, START + 60_000);
      own = [];
    },
  });
  await clock.pass(5000);
  expect(published).toEqual([]);
  const before = queries.length;
  await clock.pass(60_000);
  expect(queries.length).toBe(before);
});

it("a question without an answer is told, and asked again", async () => {
  const errors: string[] = [];
  const ask = () => Promise.reject(new Error("no answer"));
  const { clock } = open([waits("c-1", 1000)], { ask, onTrouble: ({ message }) => void errors.push(message) });
  await clock.pass(6000);
  expect(errors.length).toBeGreaterThanOrEqual(2);
  expect(new Set(errors)).toEqual(new Set(["no answer"]));
});

it("it is said how long the oldest overdue delay waits", async () => {
  const { clock, looks } = open([waits("c-1", 1000)], { ask: async () => {} });
  expect(looks.overdueMs(lane.type)).toBe(0);
  await clock.pass(13_000);
  expect(looks.overdueMs(lane.type)).toBe(10_000);
  expect(looks.overdueMs(waitingLane().type)).toBe(0);
  looks.forget(lane);
  expect(looks.overdueMs(lane.type)).toBe(0);
});

it("nothing happens after the end, not even what was asked before", async () => {
  const answered = Promise.withResolvers<void>();
  const { clock, times, looks, published } = open([waits("c-1", 1000)], { ask: () => answered.promise });
  await clock.pass(3500);
  looks.stop();
  times.caughtUp(lane, START + 10_000);
  answered.resolve();
  await clock.pass(10_000);
  expect(published).toEqual([]);
  expect(clock.waiting()).toBe(0);
});
