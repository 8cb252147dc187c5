import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { gatherFacts } from "../facts.ts";
import { FAULTS } from "./all.ts";
import { type Outcome, runFault } from "./fault.ts";

/*
 * `npm run faults -- [--seed S] [--minutes M] [--only NAME[,NAME]] [--list] [--json] [--report FILE]`: every fault on its
 * own and mixed, against real processes; exit code 1 when anything was lost, doubled or wrong. With --minutes it goes
 * round, each time with the next seed, until the time is over. docs/promises.md quotes `--report docs/measured-faults.json`.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "0" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    report: { type: "string" },
  },
});
const wanted = values.only?.split(",");
const chosen = FAULTS.filter(({ name }) => wanted === undefined || wanted.some((part) => name.startsWith(part)));
if (values.list || chosen.length === 0) {
  for (const { name, about } of FAULTS) process.stdout.write(`${name.padEnd(22)} ${about}\n`);
  process.exit(values.list ? 0 : 2);
}

const { report } = values;
const facts =
  report === undefined
    ? undefined
    : gatherFacts(await findServerBinary({ env: process.env }), tmpdir(), Number(values.seed));
const deadline = performance.now() + Number(values.minutes) * 60_000;
const outcomes: Outcome[] = [];
let seed = Number(values.seed);
do {
  for (const fault of chosen) {
    process.stderr.write(`${fault.name.padEnd(22)} ${fault.about} (seed ${seed}) ... `);
    const outcome = await runFault(fault, seed);
    outcomes.push(outcome);
    process.stderr.write(`${outcome.violations.length === 0 ? "ok" : "VIOLATED"}, ${outcome.seconds.toFixed(1)} s\n`);
    for (const note of outcome.notes) process.stderr.write(`  ${note}\n`);
    for (const violation of outcome.violations.slice(0, 10)) process.stderr.write(`  ${violation}\n`);
  }
  seed++;
} while (performance.now() < deadline);

if (report !== undefined) {
  writeFileSync(report, `${JSON.stringify({ ...facts, seeds: seed - Number(values.seed), outcomes }, null, 1)}\n`);
}
const failed = outcomes.filter(({ violations }) => violations.length > 0);
process.stdout.write(values.json ? `${JSON.stringify({ seed: Number(values.seed), outcomes })}\n` : render(outcomes));
process.exit(failed.length === 0 ? 0 : 1);

function render(all: readonly Outcome[]): string {
  const table = new Table({
    head: ["fault", "struck", "events", "decisions", "lost", "doubled", "wrong", "s", ""],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right", "left"],
  });
  const sum = (pick: (outcome: Outcome) => number) => all.reduce((total, outcome) => total + pick(outcome), 0);
  for (const { fault, strikes, events, decisions, lost, doubled, wrong, seconds, violations } of all) {
    const verdict = violations.length === 0 ? "ok" : "VIOLATED";
    table.push([fault, strikes, events, decisions, lost, doubled, wrong, seconds.toFixed(1), verdict]);
  }
  table.push([
    "all",
    sum((one) => one.strikes),
    sum((one) => one.events),
    sum((one) => one.decisions),
    sum((one) => one.lost),
    sum((one) => one.doubled),
    sum((one) => one.wrong),
    sum((one) => one.seconds).toFixed(1),
    failed.length === 0 ? "ok" : "VIOLATED",
  ]);
  const repeat = `Repeat with: npm run faults -- --seed ${values.seed}${values.only ? ` --only ${values.only}` : ""}`;
  return `${table.toString()}\n${repeat}\n`;
}
