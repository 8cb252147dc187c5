import { expect, it } from "vitest";
import { describeStates, renderStates } from "../../src/cli/states-text.ts";

const flat = { total: 3, byState: { pending: 0, paid: 1, confirmed: 2 } };
const byState = { draft: 1, "review.documents": 2, "review.fraud": 0, paid: 1 };
/** A person lists them in any order. */
const nested = { total: 4, byState, byPath: { review: 2, ...byState } };

it("states are told with those within them in brackets, as far as somebody is there", () => {
  expect(describeStates(flat)).toBe("paid 1, confirmed 2");
  expect(describeStates(nested)).toBe("review 2 (documents 2), draft 1, paid 1");
  expect(describeStates({ total: 0, byState: { a: 0 } })).toBe("none");
});

it("states are drawn with those within them below", () => {
  expect(renderStates("claims", nested)).toEqual([
    "claims       4",
    "review       2  ###############",
    "  documents  2  ###############",
    "  fraud      0",
    "draft        1  ########",
    "paid         1  ########",
  ]);
});
