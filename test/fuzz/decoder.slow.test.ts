import { expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";

it("20,000 messages are accepted or rejected as the contract says, quickly and without a crash", () => {
  const { failures, outcomes } = fuzz(20_000, 20_260_303);
  expect(failures).toEqual([]);
  expect(outcomes.accepted).toBeGreaterThan(4000);
});
