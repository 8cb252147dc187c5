import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { checkActorTypes } from "../actor/check-actor-types.ts";
import { findUndone } from "../actor/statechart-refusals.ts";
import { withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { countOf, print, printJson } from "./output.ts";

interface CheckOptions {
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Adds `natstate check`: exit code 1 when a start would refuse the actor types. */
export function addCheck(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("check")
    .description(
      "Say all that a start would refuse of the actor types, and what they may not have meant. Starts nothing.",
    )
    .option("--strict", "refuse what is warned of, too")
    .option("--json", "print JSON")
    .action((options: CheckOptions) => check(types, options));
  withExamples(command, [
    ["npx natstate check --actors actors.ts", "for CI: exit code 1 when a start would refuse them"],
    ["npx natstate check --strict --json", "warnings are refused, too; for a script"],
  ]);
}

async function check(types: readonly ActorType[], { strict = false, json = false }: CheckOptions): Promise<void> {
  const { findWarnings } = await import("../testing/find-warnings.ts");
  const problems = checkActorTypes(types);
  const named = (type: ActorType, text: string) => `actor type ${JSON.stringify(type.name)}: ${text}`;
  // What a start refuses may not even run.
  const sound = types.filter((type) => checkActorTypes([type]).length === 0);
  const warnings = sound.flatMap((type) => findWarnings(type).map((text) => named(type, text)));
  const notes = types.flatMap((type) =>
    findUndone(type.machine).map((action) => named(type, `${action}: not executed; act on decisions`)),
  );
  const isRefused = problems.length > 0 || (strict && warnings.length > 0);
  if (json) printJson({ ok: !isRefused, types: types.map(({ name }) => name), problems, warnings, notes });
  else {
    print([
      ...problems.map((text) => `PROBLEM  ${text}`),
      ...warnings.map((text) => `warning  ${text}`),
      ...notes.map((text) => `note     ${text}`),
      `${countOf(types.length, "actor type")}: a start ${problems.length === 0 ? "takes" : "refuses"} ${types.length === 1 ? "it" : "them"}`,
    ]);
  }
  if (isRefused) {
    throw new CliError("failed", `${countOf(problems.length, "problem")}, ${countOf(warnings.length, "warning")}`);
  }
}
