import { afterAll, beforeAll, it } from "vitest";
import { type Cell, openPast, type Past } from "./restored.ts";

let past: Past;
beforeAll(async () => {
  past = await openPast();
});
afterAll(() => past[Symbol.asyncDispose]());

const same: Cell = { ORDERS: "same", DECISIONS: "same", DEAD_LETTERS: "same", store: "same" };

/** The others are in `restored.slow.test.ts`. */
it.each<Partial<Cell>>([{ ORDERS: "older" }, { DECISIONS: "older" }, { store: "gone" }])(
  "of what was restored from a copy, or is gone, nothing is lost that something still has: %j",
  (cell) => past.check({ ...same, ...cell }),
);

it("what DECISIONS and DEAD_LETTERS lost while a daemon runs is published again by it, in order", () =>
  past.checkRunning());
