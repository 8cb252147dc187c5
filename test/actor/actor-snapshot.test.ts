import fc from "fast-check";
import { expect, it } from "vitest";
import { type AnyMachineSnapshot, matchesState, type StateValue } from "xstate";
import { showToRules } from "../../src/actor/actor-snapshot.ts";

const name = fc.constantFrom("a", "b", "ab", "a.b", "b.a", "a.b.a", "a\\.b", "a\\b", "", ".", "constructor");
const { state } = fc.letrec<{ state: string | object }>((tie) => ({
  state: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    name,
    fc.dictionary(name, tie("state"), { maxKeys: 2, noNullPrototype: true }),
  ),
}));

it("a rule's matches says of every two states what XState's says", () => {
  fc.assert(
    fc.property(state, state, (asked, value) => {
      const { matches } = showToRules({ value, context: {}, tags: new Set() } as unknown as AnyMachineSnapshot);
      expect(matches(asked as string)).toBe(matchesState(asked as StateValue, value as StateValue));
    }),
    { numRuns: 2000 },
  );
});
