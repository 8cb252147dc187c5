import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutant-list.ts";

/*
 * `npm run faults:mutants [-- --only NAME]`: is the harness able to fail? Each mutant is natstate with one line broken;
 * the fault named must notice it. Exit code 1 when one survives.
 */

const { values } = parseArgs({ options: { only: { type: "string" }, seed: { type: "string", default: "1" } } });
const root = join(import.meta.dirname, "../..");
const chosen = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
let survivors = 0;
for (const { name, file, find, replace, fault } of chosen) {
  process.stdout.write(`${name} (${fault}) ... `);
  const dir = mkdtempSync(join(tmpdir(), "natstate-mutant-"));
  try {
    for (const part of ["src", "machines", "test", "package.json", "nats.conf"]) {
      cpSync(join(root, part), join(dir, part), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    const source = readFileSync(join(dir, file), "utf8");
    if (!source.includes(find)) throw new Error(`${file} has no "${find}": mend the mutant`);
    writeFileSync(
      join(dir, file),
      source.replace(find, () => replace),
    );
    const run = ["test/faults/main.ts", "--seed", values.seed, "--only", fault];
    const { status, stderr } = spawnSync(process.execPath, run, {
      cwd: dir,
      env: { ...process.env, NODE_ENV: "test" },
      encoding: "utf8",
      timeout: 600_000,
    });
    const [first = ""] = stderr.split("\n").slice(1);
    process.stdout.write(status === 0 ? "SURVIVED\n" : `noticed: ${first.trim().slice(0, 140)}\n`);
    if (status === 0) survivors++;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
process.stdout.write(`${chosen.length - survivors} of ${chosen.length} mutants noticed\n`);
process.exitCode = survivors === 0 ? 0 : 1;
