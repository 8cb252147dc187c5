import { expect, it } from "vitest";
import { createSequenceSet } from "../../src/jetstream/sequence-set.ts";

it("says which parts of a range are not in it, over the borders of its pages", () => {
  const set = createSequenceSet();
  for (const sequence of [3, 4, 6, 65_535, 65_536, 200_000]) set.add(sequence);
  expect(set.missingOf({ from: 3, to: 4 })).toEqual([]);
  expect(set.missingOf({ from: 1, to: 7 })).toEqual([
    { from: 1, to: 2 },
    { from: 5, to: 5 },
    { from: 7, to: 7 },
  ]);
  expect(set.missingOf({ from: 65_534, to: 300_000 })).toEqual([
    { from: 65_534, to: 65_534 },
    { from: 65_537, to: 199_999 },
    { from: 200_001, to: 300_000 },
  ]);
});

it("gives up what is below a sequence, and nothing above", () => {
  const set = createSequenceSet();
  for (const sequence of [5, 70_000, 140_000]) set.add(sequence);
  set.forgetBelow(70_001);
  expect(set.missingOf({ from: 5, to: 5 })).toHaveLength(1);
  for (const sequence of [70_000, 140_000]) expect(set.missingOf({ from: sequence, to: sequence })).toEqual([]);
});
