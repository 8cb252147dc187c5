import { type Command, Option } from "commander";
import type { ActorType } from "../../machines/actor-type.ts";
import { readMachineSource } from "../console/machine-source.ts";
import { drawMachine } from "../flow/machine-diagram.ts";
import { outlineMachine } from "../flow/machine-outline.ts";
import { findType, typeOption, withExamples } from "./arguments.ts";

const FORMATS = ["json", "mermaid", "source", "text"] as const;
type Format = (typeof FORMATS)[number];

/** Adds `natstate machine export`. */
export function addMachine(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("machine")
    .description("Look at the state machines.")
    .command("export")
    .description("Print a machine: as JSON for createMachine, as a Mermaid diagram, as its source, or in words.")
    .addOption(new Option("--format <format>", "what to print").choices([...FORMATS]).default("json"))
    .addOption(typeOption(types))
    .action(({ format, type }: { format: Format; type: string }) => {
      process.stdout.write(exportMachine(findType(types, type), format));
    });
  withExamples(command, [
    ["natstate machine export > order.json", "the statechart, for createMachine and other tools"],
    ["natstate machine export --format mermaid", "a diagram for a README"],
    ["natstate machine export --format source", "what Stately Studio imports"],
    ["natstate machine export --format text", "its states and transitions in words"],
  ]);
}

function exportMachine(type: ActorType, format: Format): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(type.machine.config, null, 2)}\n`;
    case "mermaid":
      return drawMachine(type.machine);
    case "source":
      return readMachineSource(type);
    case "text":
      return outlineMachine(type.machine);
    default:
      return format satisfies never;
  }
}
