import { parseArgs } from "node:util";
import { buildMachine } from "./build.ts";
import { checkCase, type Difference } from "./check-case.ts";
import { generateCase } from "./generate.ts";
import { ALL_ORDERS, KNOWN_CASES } from "./known-cases.ts";
import { type Random, seededChoices } from "./random.ts";
import { shrink } from "./shrink.ts";
import type { CaseSpec } from "./spec.ts";

/*
 * `npm run soak:hosting [-- --machines N --seed N --quick]`: random statecharts and histories, in many orders of arrival, hot and
 * cold, against a live actor heard by XState's own clock in event-time order. Exit code 1 and the smallest case when one
 * ends otherwise; with --quick not made smaller.
 */

/** All of up to four facts. */
const MAX_ORDERS = 24;

const { values } = parseArgs({
  options: {
    machines: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
  },
});
const startedMs = performance.now();
const machines = Number(values.machines);
let unbuilt = 0;
for (const [index, spec] of KNOWN_CASES.entries()) {
  // How a case goes depends on when its actor was cold.
  for (let seed = 0; seed < 4; seed++) {
    const outcome = checkCase(spec, seededChoices(seed), ALL_ORDERS);
    if (outcome !== undefined) fail(`known case ${index} ends otherwise. ${JSON.stringify(outcome)}`);
  }
}
for (let index = 0; index < machines; index++) {
  const seed = Number(values.seed) * 1_000_003 + index;
  const random = seededChoices(seed);
  const spec = generateCase(random);
  const outcome = attempt(spec, random);
  if (outcome === "unbuilt") unbuilt++;
  else if (outcome !== undefined) fail(`seed ${seed} ends otherwise. ${tell(spec, seed, outcome)}`);
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
process.stdout.write(`${machines - unbuilt} machines agree, ${unbuilt} XState does not take, ${seconds} s\n`);

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** A case that fails in the host's own code is a string. */
function attempt(spec: CaseSpec, random: Random): Difference | string | undefined {
  try {
    buildMachine(
      spec.machine,
      () => "",
      () => {},
    );
  } catch {
    return "unbuilt";
  }
  try {
    return checkCase(spec, random, MAX_ORDERS);
  } catch (error) {
    return (error as Error).stack ?? String(error);
  }
}

function tell(spec: CaseSpec, seed: number, outcome: Difference | string): string {
  // Left smaller, a case is tried in several ways: which of them differs depends on the choices made.
  const attempts = (smaller: CaseSpec) =>
    Array.from({ length: 12 }, (_, salt) => () => attempt(smaller, seededChoices(seed + salt)));
  const differs = (smaller: CaseSpec) => attempts(smaller).some((each) => typeof each() === "object");
  if (values.quick) return JSON.stringify(outcome).slice(0, 300);
  const smallest = typeof outcome === "string" || !differs(spec) ? spec : shrink(spec, differs);
  const found =
    attempts(smallest)
      .map((each) => each())
      .find((each) => typeof each === "object") ?? outcome;
  return `Smallest case:\n${JSON.stringify(smallest)}\n${typeof found === "string" ? found : JSON.stringify(found, null, 1)}`;
}
