import fc from "fast-check";
import { expect, it } from "vitest";
import { cover } from "../../src/answers/share.ts";

const part = (round: number, partitions: readonly number[], of = 4) => ({ round, share: { partitions, of } });

it("answers go together when every partition is in one of them", () => {
  const parts = [part(0, [0, 2]), part(0, [1, 3]), part(0, [])];
  expect(cover(parts)).toEqual({ parts: parts.slice(0, 2), missing: [] });
  expect(cover(parts.slice(1))).toMatchObject({ missing: [0, 2] });
  expect(cover([])).toEqual({ parts: [], missing: undefined });
});

it("a partition that two claim at the same time counts for nobody", () => {
  expect(cover([part(0, [0, 1]), part(0, [1, 2, 3])]).missing).toEqual([0, 1, 2, 3]);
});

it("a later answer takes the place of one that has a partition in common with it", () => {
  const [gone, slow, heir] = [part(0, [0, 1]), part(0, [2, 3]), part(1, [0, 1])];
  expect(cover([gone, slow, heir])).toEqual({ parts: [heir, slow], missing: [] });
  expect(cover([part(0, [0, 1]), part(0, [2, 3]), part(1, [1, 2])]).missing).toEqual([0, 3]);
});

it("whatever is answered, no partition is counted twice, and none is missing of which it is not said", () => {
  const answered = fc.array(
    fc.record({
      round: fc.nat(3),
      share: fc.record({ partitions: fc.uniqueArray(fc.nat(5), { maxLength: 6 }), of: fc.constantFrom(6, 6, 6, 8) }),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(answered, (parts) => {
      const { parts: chosen, missing } = cover(parts);
      const told = chosen.flatMap(({ share }) => share.partitions);
      expect(new Set(told).size).toBe(told.length);
      if (missing === undefined) return;
      const [of] = new Set(chosen.map(({ share }) => share.of));
      expect([...told, ...missing].sort()).toEqual(Array.from({ length: of ?? missing.length }, (_, index) => index));
    }),
  );
});
