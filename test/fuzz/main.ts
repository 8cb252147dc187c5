import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

/*
 * npm run fuzz [-- --cases N --seed S]: the decoder against the contract, a million cases unless told otherwise.
 */
const { values } = parseArgs({ options: { cases: { type: "string" }, seed: { type: "string" } } });
const cases = Number(values.cases ?? 1_000_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 0x7fffffff));
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
  throw new RangeError("--cases and --seed: expected whole numbers");
}

const startedMs = performance.now();
const report = fuzz(cases, seed);
const seconds = (performance.now() - startedMs) / 1000;
const line = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
const { asked, accepted } = report.questions;
console.log(`seed       ${seed}
cases      ${report.cases} in ${seconds.toFixed(1)} s: ${line(report.kinds)}
outcomes   ${line(report.outcomes)}
decoding   ${report.decodedPerSecond}/s, the slowest ${report.slowestMs.toFixed(2)} ms: ${report.slowest.slice(0, 120)}
questions  ${asked}, ${accepted} of them accepted
failures   ${report.failures.length}`);
for (const failure of report.failures) console.log(`  ${failure}`);
process.exitCode = report.failures.length === 0 ? 0 : 1;
