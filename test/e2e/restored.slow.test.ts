import { afterAll, beforeAll, it } from "vitest";
import { CELLS, openPast, type Past } from "./restored.ts";

let past: Past;
beforeAll(async () => {
  past = await openPast();
});
afterAll(() => past[Symbol.asyncDispose]());

it.each(CELLS)("ORDERS $ORDERS, DECISIONS $DECISIONS, DEAD_LETTERS $DEAD_LETTERS, store $store", (cell) =>
  past.check(cell),
);

/** Events that only the old store has are named by a rebuild, and not kept: then it is no way out. */
const rebuilt = CELLS.filter(({ ORDERS, store }) => ORDERS === "same" && store !== "gone");

it.each(rebuilt)("rebuilt: DECISIONS $DECISIONS, DEAD_LETTERS $DEAD_LETTERS, store $store", (cell) =>
  past.check(cell, "rebuilt"),
);
