import { expect, it } from "vitest";
import { timeSteps } from "../../src/flow/step-times.ts";

it("what takes longer than a second tells how long each of its steps took, what is shorter tells nothing", () => {
  let nowMs = 5000;
  const steps = timeSteps({ now: () => nowMs });
  nowMs += 300.4;
  steps.ended("askMs");
  nowMs += 699;
  steps.ended("releaseMs");
  expect(steps.ifLong()).toBeUndefined();
  nowMs += 2;
  steps.ended("settleMs");
  expect(steps.ifLong()).toEqual({ askMs: 300, releaseMs: 699, settleMs: 2 });
});
