import { type Command, Option } from "commander";
import type { ActorType } from "../../machines/actor-type.ts";
import { exportMachine, MACHINE_FORMATS, type MachineFormat } from "../console/machine-export.ts";
import { findType, typeOption, withExamples } from "./arguments.ts";

/** Adds `natstate machine export`. */
export function addMachine(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("machine")
    .description("Look at the state machines.")
    .command("export")
    .description("Print a machine: as JSON for createMachine, as a Mermaid diagram, as its source, or in words.")
    .addOption(new Option("--format <format>", "what to print").choices([...MACHINE_FORMATS]).default("json"))
    .addOption(typeOption(types))
    .action(({ format, type }: { format: MachineFormat; type: string }) => {
      process.stdout.write(exportMachine(findType(types, type), format));
    });
  withExamples(command, [
    ["natstate machine export > order.json", "the statechart, for createMachine and other tools"],
    ["natstate machine export --format mermaid", "a diagram for a README"],
    ["natstate machine export --format source", "what Stately Studio imports"],
    ["natstate machine export --format text", "its states and transitions in words"],
  ]);
}
