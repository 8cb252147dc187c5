import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { exportMachine, MACHINE_FORMATS, type MachineFormat } from "../charts/export.ts";
import { withExamples } from "./arguments.ts";
import { addSystemOption, findType, typeOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";

export function addMachine(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("machine")
    .description("Look at the state machines.")
    .command("export")
    .description("Print a machine: as JSON for createMachine, as a Mermaid diagram, as its source, or in words.")
    .addOption(new Option("--format <format>", "what to print").choices([...MACHINE_FORMATS]).default("json"))
    .addOption(typeOption(types))
    .option("--json", "print JSON: the format json, which is the default")
    .action(({ format, type, json }: { format: MachineFormat; type: string; json?: boolean }) => {
      if (json && format !== "json") throw new CliError("usage", `--json is not --format ${format}: give one of them`);
      process.stdout.write(exportMachine(findType(types, type), format));
    });
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate machine export > order.json", "the statechart, for createMachine and other tools"],
    ["npx natstate machine export --format mermaid", "a diagram for a README"],
    ["npx natstate machine export --format source", "what Stately Studio imports"],
    ["npx natstate machine export --format text", "its states and transitions in words"],
  ]);
}
