import { expect, it } from "vitest";
import { createStreamTimes } from "../../src/flow/stream-times.ts";
import { createTestClock } from "../clock.ts";
import { waitingLane } from "./waiting-type.ts";

const lane = waitingLane();

it("a stream's time is carried on from its last reading for a minute, then it is not known", async () => {
  const clock = createTestClock();
  const times = createStreamTimes(clock);
  expect(times.now("CLAIMS")).toBeUndefined();
  times.read("CLAIMS", 5000);
  await clock.pass(59_999);
  expect(times.now("CLAIMS")).toBe(64_999);
  await clock.pass(1);
  expect(times.now("CLAIMS")).toBeUndefined();
  times.read("CLAIMS", 70_000);
  expect(times.now("CLAIMS")).toBe(70_000);
});

it("a lane is read to its last message applied or to when nothing was left, whichever is later", () => {
  const times = createStreamTimes(createTestClock());
  expect(times.readTo(lane)).toBe(Number.NEGATIVE_INFINITY);
  times.applied(lane, 500);
  times.caughtUp(lane, 400);
  expect(times.readTo(lane)).toBe(500);
  times.caughtUp(lane, 900);
  times.applied(lane, 600);
  expect(times.readTo(lane)).toBe(900);
  times.forget(lane);
  expect(times.readTo(lane)).toBe(Number.NEGATIVE_INFINITY);
});
