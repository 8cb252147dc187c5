import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { LaneReader } from "../../src/jetstream/lane-reader.ts";
import { createOwnLanes } from "../../src/members/own-lanes.ts";
import { createOwnership, type OwnershipOptions } from "../../src/members/ownership.ts";
import { type Lane, lanesOf } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { aMember, knowing } from "./a-member.ts";

const lanes = lanesOf(orderType as ActorType, 16);
const us = aMember("a");
const other = aMember("b");

/** After which `createOwnership` tries again. */
const RETRY_MS = 1000;

const readerOf = (lane: Lane): LaneReader => ({
  lane,
  isReading: () => true,
  audit() {},
  elected() {},
  isCaughtUp: () => true,
  trouble: () => undefined,
  doubt() {},
  release: () => Promise.resolve(),
});

function open(
  prepare: () => Promise<void>,
  ask: OwnershipOptions["ask"] = async () => "refused",
  release = () => Promise.resolve(),
) {
  const troubles: boolean[] = [];
  const own = createOwnLanes();
  const clock = createTestClock();
  const ownership = createOwnership({
    lanes,
    own,
    prepare,
    open: (lane) => ({ ...readerOf(lane), release }),
    follow: readerOf,
    onMoved() {},
    onReleased() {},
    onUnfollowed() {},
    settle: async () => {},
    endOf: async () => 0,
    firstUnread: async () => undefined,
    learn: async () => {},
    ask,
    onTrouble(_error, readsOthers) {
      troubles.push(readsOthers);
      return "retry";
    },
    clock,
  });
  return { own, ownership, troubles, clock };
}

it.each([
  ["left", [us, other], [us], 16],
  ["came", [us], [us, other], 8],
])("what is tried again is tried for the members there are then: one %s", async (_what, before, after, share) => {
  let failures = 1;
  const { own, ownership, clock } = open(() =>
    failures-- > 0 ? Promise.reject(new Error("not now")) : Promise.resolve(),
  );
  await ownership.rebalance(before, us);
  await ownership.rebalance(after, us);
  await clock.pass(RETRY_MS);
  expect(ownership.reading()).toHaveLength(share);
  expect(own.assigned()).toHaveLength(share);
  await ownership.releaseAll();
});

it("trouble with what it would take over is told apart from trouble with everything", async () => {
  let fails = true;
  const { ownership, troubles, clock } = open(() => (fails ? Promise.reject(new Error("no")) : Promise.resolve()));
  await ownership.rebalance([us, other], us);
  fails = false;
  await clock.pass(RETRY_MS);
  expect(ownership.reading()).toHaveLength(8);
  fails = true;
  await ownership.rebalance([us], us);
  expect(troubles).toEqual([false, true]);
  expect(ownership.reading()).toHaveLength(8);
  await ownership.releaseAll();
});

it("a lane another one holds is followed and asked for, not taken; who holds it goes on until then", async () => {
  const theirs = open(() => Promise.resolve());
  const holder = aMember("b", { streams: [knowing({ holds: lanes.map(({ partition }) => partition) })] });
  await theirs.ownership.rebalance([other], other);
  await theirs.ownership.rebalance([us, other], other);
  expect(theirs.own.assigned(), "it keeps them all").toHaveLength(16);
  expect(theirs.ownership.kept()).toHaveLength(8);
  const asked: number[] = [];
  const ours = open(
    () => Promise.resolve(),
    async (_holder, lane) => {
      asked.push(lane.partition);
      return (await theirs.ownership.yield(lane)) ? "yielded" : "refused";
    },
  );
  await ours.ownership.rebalance([us, holder], us);
  expect(ours.own.assigned()).toEqual([]);
  expect([ours.own.followed(), ours.ownership.following().length], "far behind at first, and followed").toEqual([
    [],
    8,
  ]);
  await ours.clock.pass(1000);
  expect(ours.own.taken()).toHaveLength(8);
  expect(theirs.own.taken()).toHaveLength(8);
  expect(new Set([...ours.own.taken(), ...theirs.own.taken()]).size).toBe(16);
  expect(asked).toHaveLength(8);
  const [kept] = theirs.own.taken();
  expect(kept && (await theirs.ownership.yield(kept)), "what is its own it does not give").toBe(false);
});

it("a lane is said to be held until it can be taken: who heard sooner that nobody holds it would be unpinned again", async () => {
  const unpinned = Promise.withResolvers<void>();
  const theirs = open(
    () => Promise.resolve(),
    async () => "refused",
    () => unpinned.promise,
  );
  await theirs.ownership.rebalance([other], other);
  await theirs.ownership.rebalance([us, other], other);
  const [lane] = theirs.ownership.kept();
  const given = lane && theirs.ownership.yield(lane);
  await theirs.clock.pass(0);
  expect(theirs.own.taken()).toContain(lane);
  expect(theirs.ownership.reading()).not.toContain(lane);
  unpinned.resolve();
  expect(await given).toBe(true);
  expect(theirs.own.taken()).not.toContain(lane);
});

it("whoever asked and is gone has left a lane to those that remain", async () => {
  const theirs = open(() => Promise.resolve());
  await theirs.ownership.rebalance([other], other);
  await theirs.ownership.rebalance([us, other], other);
  const [lane] = theirs.ownership.kept();
  expect(lane && (await theirs.ownership.yield(lane))).toBe(true);
  expect(theirs.own.taken()).toHaveLength(15);
  await theirs.ownership.rebalance([other], other);
  expect(theirs.own.taken()).toHaveLength(16);
});

it("who is asked for a lane while it takes others gives it when those are taken, and reads it until then", async () => {
  const taken = Promise.withResolvers<void>();
  let isHeldUp = false;
  const theirs = open(() => (isHeldUp ? taken.promise : Promise.resolve()));
  const third = aMember("c", { streams: [knowing({ holds: lanes.map(({ partition }) => partition) })] });
  const gone = aMember("c");
  await theirs.ownership.rebalance([other, third], other);
  expect(theirs.own.taken(), "the third one has them").toHaveLength(0);
  await theirs.ownership.rebalance([other, gone], other);
  const before = theirs.own.taken();
  isHeldUp = true;
  void theirs.ownership.rebalance([other], other);
  const [lane] = before;
  await theirs.clock.pass(0);
  void theirs.ownership.rebalance([us, other, gone], other);
  let isGiven: boolean | undefined;
  const giving = Promise.all(before.map((each) => theirs.ownership.yield(each))).then((given) => {
    isGiven = given.some(Boolean);
  });
  await theirs.clock.pass(1000);
  expect([isGiven, theirs.own.taken()], "it goes on").toEqual([undefined, before]);
  expect(lane && theirs.ownership.reading().includes(lane)).toBe(true);
  taken.resolve();
  await giving;
  expect(isGiven).toBe(true);
});

it("before a stop nothing is taken any more, also what could not be taken a moment ago", async () => {
  let asked = 0;
  const { own, ownership, troubles, clock } = open(() => {
    asked++;
    ownership.takeNoMore();
    return Promise.reject(new Error("this daemon ends"));
  });
  await ownership.rebalance([us], us);
  await clock.pass(RETRY_MS);
  await ownership.rebalance([us], us);
  expect([asked, troubles, own.taken()]).toEqual([1, [], []]);
});

it("what was given and could not be taken is asked for anew once it has been another's", async () => {
  const holder = aMember("b", { streams: [knowing({ holds: lanes.map(({ partition }) => partition) })] });
  const leaving = { ...us, leaving: true };
  const { ownership, own, clock } = open(
    () => Promise.reject(new Error("not now")),
    async () => "yielded",
  );
  await ownership.rebalance([us, holder], us);
  await clock.pass(RETRY_MS);
  expect(own.assigned(), "they were given").toHaveLength(8);
  await ownership.rebalance([leaving, holder], leaving);
  expect(own.assigned()).toEqual([]);
  await ownership.rebalance([us, holder], us);
  expect(own.assigned(), "who holds them is asked first").toEqual([]);
  await ownership.releaseAll();
});
