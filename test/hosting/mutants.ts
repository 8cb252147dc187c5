import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutant-list.ts";

/*
 * `npm run soak:mutants [-- --only NAME --machines N]`: is the soak able to fail? Each mutant is the host with one small
 * rule broken; the soak must notice it. Exit code 1 when one survives.
 */

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, machines: { type: "string", default: "3000" } },
});
const root = join(import.meta.dirname, "../..");
const chosen = MUTANTS.filter(({ name }) => name.includes(values.only));
let survivors = 0;
for (const { name, file, find, replace } of chosen) {
  process.stdout.write(`${name} ... `);
  const dir = mkdtempSync(join(tmpdir(), "natstate-mutant-"));
  try {
    for (const part of ["src/actor", "src/flow/hosts", "test/hosting", "package.json"]) {
      cpSync(join(root, part), join(dir, part), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    const path = join(dir, "src/flow/hosts", file);
    const source = readFileSync(path, "utf8");
    if (source.split(find).length !== 2) throw new Error(`${file} has not one "${find}": mend the mutant`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const run = ["test/hosting/soak.ts", "--quick", "--machines", values.machines];
    const { status, stderr } = spawnSync(process.execPath, run, { cwd: dir, encoding: "utf8", timeout: 3_600_000 });
    const [first = ""] = stderr.split(". ");
    process.stdout.write(status === 0 ? "SURVIVED\n" : `noticed: ${first.trim().slice(0, 100)}\n`);
    if (status === 0) survivors++;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
process.stdout.write(`${chosen.length - survivors} of ${chosen.length} mutants noticed\n`);
process.exitCode = survivors === 0 ? 0 : 1;
