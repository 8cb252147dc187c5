import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** natstate with one place broken. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly find: string;
  readonly replace: string;
}

export interface MutantRun<Broken extends Mutant> {
  /** What of the repository it takes. */
  readonly parts: readonly string[];
  /** What has to notice it, for Node: a script and its arguments. It must exit with another code than 0. */
  readonly commandOf: (mutant: Broken) => readonly string[];
  /** What it said of it, shortened to a line. */
  readonly reasonIn: (stderr: string) => string;
}

/** Is a harness able to fail? Each mutant must be noticed; the exit code is 1 when one survives. */
export function runMutants<Broken extends Mutant>(mutants: readonly Broken[], run: MutantRun<Broken>): void {
  let survivors = 0;
  for (const mutant of mutants) {
    process.stdout.write(`${mutant.name} ... `);
    const noticed = tryMutant(mutant, run);
    process.stdout.write(noticed === undefined ? "SURVIVED\n" : `noticed: ${noticed.trim().slice(0, 140)}\n`);
    if (noticed === undefined) survivors++;
  }
  process.stdout.write(`${mutants.length - survivors} of ${mutants.length} mutants noticed\n`);
  process.exitCode = survivors === 0 ? 0 : 1;
}

/** @returns what was said of it; undefined when nobody noticed. */
function tryMutant<Broken extends Mutant>(mutant: Broken, run: MutantRun<Broken>): string | undefined {
  const root = join(import.meta.dirname, "..");
  const dir = mkdtempSync(join(tmpdir(), "natstate-mutant-"));
  try {
    for (const part of run.parts) cpSync(join(root, part), join(dir, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    breakIn(join(dir, mutant.file), mutant);
    const options = {
      cwd: dir,
      env: { ...process.env, NODE_ENV: "test" },
      encoding: "utf8",
      timeout: 3_600_000,
    } as const;
    const { status, stderr } = spawnSync(process.execPath, run.commandOf(mutant), options);
    return status === 0 ? undefined : run.reasonIn(stderr);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function breakIn(path: string, { file, find, replace }: Mutant): void {
  const source = readFileSync(path, "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} has not one "${find}": mend the mutant`);
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
}
