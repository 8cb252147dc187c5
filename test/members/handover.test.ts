import { expect, it } from "vitest";
import { createHandover, type Reply } from "../../src/members/handover.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { orderLane } from "../flow/delivery.ts";

const LOOK_MS = 200;
const AGAIN_MS = 1000;

/** Lanes that are followed, as far as `applied`, of a stream that grows by one a look. */
function open(lanes: readonly Lane[], answers: (Reply | (() => Reply))[]) {
  const clock = createTestClock();
  const asked: string[] = [];
  const taken: Lane[] = [];
  const state = {
    end: 10,
    applied: 0,
    holder: "holder" as string | undefined,
    broken: -1,
    learning: Promise.resolve(),
  };
  const handover = createHandover({
    clock,
    following: () => lanes.filter((lane) => !taken.includes(lane)),
    isReading: () => true,
    holderOf: () => state.holder,
    async endOf({ partition }) {
      if (partition === state.broken) throw new Error("no answer");
      return state.end++;
    },
    firstUnread: async () => (state.applied < state.end ? state.applied + 1 : undefined),
    async learn() {
      await state.learning;
    },
    async ask(holder, lane) {
      asked.push(`${lane.partition} of ${holder}`);
      const answer = answers.shift() ?? "refused";
      return typeof answer === "string" ? answer : answer();
    },
    onYielded: async (lane) => void taken.push(lane),
    onClose() {},
  });
  handover.stir();
  return { clock, state, asked, taken, handover };
}

it("a lane is asked for when its copy has all that there was at the look before, and not sooner", async () => {
  const { clock, state, asked, taken } = open([orderLane], ["yielded"]);
  await clock.pass(10 * LOOK_MS);
  expect(asked).toEqual([]);
  // Always one behind, as under traffic.
  state.applied = 1000;
  await clock.pass(2 * LOOK_MS);
  expect(asked).toEqual([`${orderLane.partition} of holder`]);
  expect(taken).toEqual([orderLane]);
});

it("a lane is asked for when what its holder has published is learnt, and its copy has not fallen behind meanwhile", async () => {
  const { clock, state, asked, taken } = open([orderLane], ["yielded"]);
  const learning = Promise.withResolvers<void>();
  state.learning = learning.promise;
  state.applied = 1000;
  await clock.pass(5 * LOOK_MS);
  expect(asked, "it would stand still until that is learnt").toEqual([]);
  state.applied = 0;
  learning.resolve();
  await new Promise(setImmediate);
  await clock.pass(5 * LOOK_MS);
  expect(asked, "and until its copy has come there").toEqual([]);
  state.applied = 1000;
  await clock.pass(2 * LOOK_MS);
  expect(taken).toEqual([orderLane]);
});

it("a standby's copy is close, and asked for by nobody", async () => {
  const { clock, state, asked, handover } = open([orderLane], []);
  state.holder = undefined;
  state.applied = 1000;
  await clock.pass(5 * LOOK_MS);
  expect(handover.close()).toEqual([orderLane]);
  expect(asked).toEqual([]);
  expect(clock.waiting(), "nothing is left to look at").toBe(0);
});

it.each<[string, Reply[], number]>([
  ["gives it later", ["refused", "yielded"], 2],
  ["is not there any more", ["absent"], 1],
  ["never answers, being of an older kind", ["silent", "silent", "silent"], 3],
])("a holder that %s", async (_what, answers, questions) => {
  const { clock, state, asked, taken } = open([orderLane], answers);
  state.applied = 1000;
  await clock.pass(2 * LOOK_MS + questions * (AGAIN_MS + LOOK_MS));
  expect(asked).toHaveLength(questions);
  expect(taken).toEqual([orderLane]);
});

it("what becomes another's while its holder answers is not taken", async () => {
  const { clock, state, taken } = open(
    [orderLane],
    [
      () => {
        state.holder = undefined;
        return "yielded";
      },
    ],
  );
  state.applied = 1000;
  await clock.pass(5 * LOOK_MS);
  expect(taken).toEqual([]);
});

it("a lane that cannot be looked at keeps no other from being asked for", async () => {
  const other = { ...orderLane, partition: orderLane.partition + 1 };
  const { clock, state, taken } = open([orderLane, other], ["yielded"]);
  state.applied = 1000;
  state.broken = orderLane.partition;
  await clock.pass(5 * LOOK_MS);
  expect(taken).toEqual([other]);
});
