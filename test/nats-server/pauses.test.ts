import { expect, it } from "vitest";
import { createPauses } from "../../src/nats-server/pauses.ts";

const BOUNDS = { firstMs: 100, longestMs: 1000, steadyMs: 10_000 };

it("what ends again and again waits twice as long each time, up to a bound", () => {
  const pause = createPauses(BOUNDS);
  expect([0, 50, 9999, 1, 1, 1, 1].map(pause)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
});

it("what ran well in between begins with the shortest pause again", () => {
  const pause = createPauses(BOUNDS);
  for (let ends = 0; ends < 10; ends++) pause(1);
  expect([10_000, 1, 1].map(pause)).toEqual([100, 200, 400]);
});
