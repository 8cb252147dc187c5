import { expect, it } from "vitest";
import { createTicks, type DueActor, type LaneMoment, type Tick } from "../../src/flow/ticks.ts";
import { createTestClock } from "../clock.ts";
import { waitingLane } from "./waiting-type.ts";

const lane = waitingLane();
/** So many seconds after the hour by the stream's clock. */
const at = (seconds: number) => Date.parse("2026-01-01T10:00:00Z") + seconds * 1000;
const waits = (actorId: string, dueS: number): DueActor => ({ actorId, due: new Date(at(dueS)).toISOString() });
const moment = (nowS: number, readToS = nowS): LaneMoment => ({ lane, nowMs: at(nowS), readToMs: at(readToS) });
const ids = (ticks: readonly Tick[]) => ticks.map(({ actorId }) => actorId);

function open({ perSecond = 1000, jitter = 0 } = {}) {
  const clock = createTestClock();
  const ticks = createTicks({ clock, perSecond, random: () => jitter });
  const offer = (found: DueActor[], when: LaneMoment) => ticks.offer(ticks.examine(when, found, true).ready);
  return { clock, ticks, offer };
}

it("a tick is due once the delay's end and the grace have passed on the stream's time, and names that end", () => {
  const { offer } = open();
  const claim = waits("c-1", 10);
  expect(offer([claim], moment(11.999))).toEqual([]);
  expect(offer([claim], moment(12))).toEqual([{ lane, ...claim }]);
});

it("the grace is the type's own", () => {
  const own = waitingLane({ graceMs: 500 });
  const { ticks } = open();
  const examine = (nowS: number) => ticks.examine({ ...moment(nowS), lane: own }, [waits("c-1", 10)], true).ready;
  expect([examine(10.499).length, examine(10.5).length]).toEqual([0, 1]);
});

it("an end between two milliseconds has passed at the later one", () => {
  const own = waitingLane({ graceMs: 0 });
  const { ticks } = open();
  const due = { actorId: "c-1", due: "2026-01-01T10:00:10.0000001Z" };
  const examine = (nowS: number) => ticks.examine({ ...moment(nowS), lane: own }, [due], true).ready;
  expect([examine(10).length, examine(10.001).length]).toEqual([0, 1]);
});

it("there is none while unread messages stored before the end and the grace remain", () => {
  const { ticks, offer } = open();
  const claim = waits("c-1", 10);
  expect(ticks.examine(moment(500, 11.999), [claim], true)).toMatchObject({ ready: [], isBehind: true });
  expect(ticks.examine(moment(500, 12), [claim], true)).toMatchObject({ isBehind: false });
  expect(ids(offer([claim], moment(500, 12)))).toEqual(["c-1"]);
});

it("one tick an actor, however often it is looked at, until it was heard", () => {
  const { offer, ticks } = open();
  expect(ids(offer([waits("c-1", 10)], moment(12)))).toEqual(["c-1"]);
  expect(offer([waits("c-1", 10)], moment(12))).toEqual([]);
  expect(ticks.onTheirWay(lane.type)).toBe(1);
  expect(offer([], moment(13))).toEqual([]);
  expect(ticks.onTheirWay(lane.type)).toBe(0);
});

it("what an actor waits for next has a tick of its own, at once", () => {
  const { offer } = open();
  offer([waits("c-1", 10)], moment(12));
  expect(offer([waits("c-1", 11)], moment(13))).toEqual([{ lane, ...waits("c-1", 11) }]);
});

it("it is offered again after 1 s, then 2, and so on up to a minute, until it was heard", async () => {
  const { clock, offer } = open();
  const offered: number[] = [];
  for (let elapsedS = 0; elapsedS < 300; elapsedS++) {
    if (offer([waits("c-1", 10)], moment(12 + elapsedS)).length > 0) offered.push(elapsedS);
    await clock.pass(1000);
  }
  expect(offered).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
});

it("up to a quarter sooner, so that not all are offered at one time", () => {
  const { ticks, offer } = open({ jitter: 1 });
  offer([waits("c-1", 10)], moment(12));
  expect(ticks.examine(moment(12), [waits("c-1", 10)], true)).toMatchObject({ ready: [], againInMs: 750 });
});

it("not again while the lane has not been read to where the first one may be", async () => {
  const { clock, ticks, offer } = open();
  offer([waits("c-1", 10)], moment(20, 15));
  await clock.pass(1000);
  expect(ticks.examine(moment(30, 19), [waits("c-1", 10)], true)).toMatchObject({ ready: [], isBehind: true });
  expect(ids(offer([waits("c-1", 10)], moment(30, 20)))).toEqual(["c-1"]);
});

it("after an outage they go at a bounded rate, the oldest first over all lanes", async () => {
  const { clock, ticks } = open({ perSecond: 10 });
  const other = { ...lane, partition: 4 };
  const even = Array.from({ length: 50 }, (_, index) => waits(`even-${2 * index}`, 2 * index));
  const odd = Array.from({ length: 50 }, (_, index) => waits(`odd-${2 * index + 1}`, 2 * index + 1));
  // However long there was nothing to do.
  await clock.pass(3_600_000);
  const gone: string[] = [];
  const bursts: number[] = [];
  while (gone.length < 100) {
    const isLeft = ({ actorId }: DueActor) => !gone.includes(actorId);
    const now = moment(1000);
    const left = [
      ticks.examine({ ...now, lane: other }, odd.filter(isLeft), true),
      ticks.examine(now, even.filter(isLeft), true),
    ];
    const burst = ids(ticks.offer(left.flatMap(({ ready }) => ready)));
    bursts.push(burst.length);
    gone.push(...burst);
    await clock.pass(500);
  }
  expect(bursts).toEqual(Array.from({ length: 20 }, () => 5));
  expect(gone.map((id) => Number(id.split("-")[1]))).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

it("a rate below one a look is kept, too", async () => {
  const { clock, offer } = open({ perSecond: 1 });
  const offered: number[] = [];
  for (let look = 0; look < 12; look++) {
    const left = Array.from({ length: 20 }, (_, index) => waits(`c-${index}`, index));
    offered.push(offer(left, moment(100 + look)).length);
    await clock.pass(250);
  }
  expect(offered).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
});

it("nothing is kept of actors that wait, only of those whose tick is on its way", () => {
  const { ticks, offer } = open({ perSecond: 8 });
  offer(
    Array.from({ length: 1000 }, (_, index) => waits(`c-${index}`, index / 1000)),
    moment(100),
  );
  expect(ticks.onTheirWay(lane.type)).toBe(4);
  expect(ticks.wanted(lane)).toBe(8);
});

it("where none is heard, a lane has no more than a second's ticks on their way", async () => {
  const { clock, ticks } = open({ perSecond: 200 });
  const overdue = Array.from({ length: 1000 }, (_, index) => waits(`c-${index}`, index / 1000));
  const offered = new Set<string>();
  for (let look = 0; look < 100; look++) {
    const { ready } = ticks.examine(moment(100 + look), overdue.slice(0, ticks.wanted(lane)), false);
    for (const { actorId } of ticks.offer(ready)) offered.add(actorId);
    await clock.pass(1000);
  }
  expect([ticks.onTheirWay(lane.type), offered.size, ticks.wanted(lane)]).toEqual([200, 200, 300]);
});

it("those that come after the ones that are known are not taken for heard", () => {
  const { ticks, offer } = open();
  offer([waits("c-1", 10), waits("c-2", 11)], moment(20));
  ticks.examine(moment(20), [waits("c-0", 5), waits("c-1", 10)], false);
  expect(ticks.onTheirWay(lane.type)).toBe(2);
  ticks.examine(moment(20), [waits("c-0", 5), waits("c-2", 11)], false);
  expect(ticks.onTheirWay(lane.type)).toBe(1);
});

it("a lane that went to another owner is forgotten", () => {
  const { ticks, offer } = open();
  offer([waits("c-1", 10)], moment(20));
  ticks.forget(lane);
  expect(ticks.onTheirWay(lane.type)).toBe(0);
});
