import { expect, it } from "vitest";
import { createMachine, enqueueActions, raise, setup } from "xstate";
import { aheadOf, graceOf, hasDelays } from "../../src/actor/delays.ts";
import { findLongDelays } from "../../src/actor/long-delays.ts";

const waits = createMachine({ initial: "a", states: { a: { after: { 1000: "b" } }, b: {} } });
const never = createMachine({ initial: "a", states: { a: { on: { Go: "b" } }, b: {} } });

it.each([
  ["an after", waits, true],
  [
    "an after deep inside",
    createMachine({
      initial: "a",
      states: { a: { initial: "b", states: { b: waits.config.states?.a ?? {}, c: {} } }, b: {} },
    }),
    true,
  ],
  ["a delayed raise at an entry", createMachine({ entry: raise({ type: "Late" }, { delay: 10 }) }), true],
  [
    "a delayed raise on an event, by name",
    createMachine({ on: { Go: { actions: "later" } } }).provide({
      actions: { later: raise({ type: "Late" }, { delay: "soon" }) },
    }),
    true,
  ],
  ["a raise at once", createMachine({ entry: raise({ type: "Now" }) }), false],
  ["enqueueActions, in which one may hide", createMachine({ entry: enqueueActions(() => {}) }), true],
  ["no delay", never, false],
])("%s: does an actor wait for time?", (_, machine, expected) => {
  expect(hasDelays({ machine: machine as typeof waits })).toBe(expected);
});

it("a merge type and a mere contract wait for nothing", () => {
  expect(hasDelays({ machine: waits, ordering: "merge" })).toBe(false);
  expect(hasDelays({})).toBe(false);
});

it("an event may be ahead of its storing by a minute where time acts, else by a day", () => {
  expect(aheadOf({ machine: never })).toBe(86_400_000);
  expect(aheadOf({ machine: waits })).toBe(60_000);
  expect(aheadOf({ machine: never, latenessMs: 1 })).toBe(60_000);
  expect(aheadOf({ machine: waits, aheadMs: 5 })).toBe(5);
  expect(graceOf({})).toBe(2000);
});

it("delays that are longer than the streams keep events are told, once each and where they are", () => {
  const day = 86_400_000;
  const machine = setup({
    actions: { remind: raise({ type: "Remind" }, { delay: "quarter" }) },
    delays: { quarter: 90 * day, asked: () => 90 * day },
  }).createMachine({
    id: "trial",
    initial: "trial",
    states: {
      trial: {
        initial: "new",
        after: { [30 * day]: "over" },
        states: { new: { after: { [31 * day]: "old", quarter: "old" } }, old: { exit: "remind" } },
      },
      over: { after: { asked: "trial" } },
    },
  });
  expect(findLongDelays({ machine }, 30 * day)).toEqual([
    "31 d at trial.new",
    "90 d at trial.new",
    "90 d at trial.old, exit",
  ]);
  expect(findLongDelays({ machine }, 0)).toEqual([]);
  expect(findLongDelays({ machine, ordering: "merge" }, day)).toEqual([]);
});
