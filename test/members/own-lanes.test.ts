import { expect, it } from "vitest";
import { createOwnLanes } from "../../src/members/own-lanes.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { order } from "../store/order-book.ts";

it("a lane is new for a moment after it became ours, however often it is assigned again meanwhile", () => {
  let nowMs = 0;
  const own = createOwnLanes({ now: () => nowMs, after: () => () => {} });
  const [first, second] = lanesOf(order, 2);
  if (first === undefined || second === undefined) throw new Error("there are two");
  expect(own.isNew(first)).toBe(false);
  own.assign([first]);
  nowMs = 1000;
  own.assign([first, second]);
  expect([first, second].map(own.isNew)).toEqual([true, true]);
  nowMs = 2000;
  expect([first, second].map(own.isNew)).toEqual([false, true]);
  own.assign([second]);
  own.assign([first, second]);
  expect(own.isNew(first)).toBe(true);
});
