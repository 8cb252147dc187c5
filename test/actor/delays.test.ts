import { expect, it } from "vitest";
import { createMachine, enqueueActions, raise } from "xstate";
import { aheadOf, graceOf, hasDelays } from "../../src/actor/delays.ts";

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
