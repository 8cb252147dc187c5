import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { checkCase } from "../../hosting/check-case.ts";
import { generateCase } from "../../hosting/generate.ts";
import { ALL_ORDERS, KNOWN_CASES } from "../../hosting/known-cases.ts";
import { seededChoices } from "../../hosting/random.ts";
import { REPLAY_MUTANTS } from "../../hosting/replay-mutants.ts";
import { STEP_MUTANTS } from "../../hosting/step-mutants.ts";

it("any statechart comes to what a live actor comes to that hears its facts in event-time order", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededChoices(seed);
    // All orders of up to three facts; `npm run soak:hosting` tries more machines, and shrinks what differs.
    expect(checkCase(generateCase(random), random, 6), `seed ${seed}`).toBeUndefined();
  }
});

it("what looks like a moment before and is another is none", () => {
  for (const [index, spec] of KNOWN_CASES.entries()) {
    for (let seed = 0; seed < 4; seed++) {
      expect(checkCase(spec, seededChoices(seed), ALL_ORDERS), `case ${index}, seed ${seed}`).toBeUndefined();
    }
  }
});

it.each([...STEP_MUTANTS, ...REPLAY_MUTANTS])("the mutant is still one: $name", ({ file, find }) => {
  const source = readFileSync(new URL(`../../../src/flow/hosts/${file}`, import.meta.url), "utf8");
  expect(source.split(find)).toHaveLength(2);
});
