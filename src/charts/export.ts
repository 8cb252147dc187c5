import { existsSync, readFileSync } from "node:fs";
import type { ActorType } from "../actor/actor-type.ts";
import { machineConfig } from "../actor/machine-config.ts";
import { drawMachine } from "./diagram.ts";
import { outlineMachine } from "./outline.ts";

/** How a machine can be handed on. */
export const MACHINE_FORMATS = ["json", "mermaid", "source", "text"] as const;

export type MachineFormat = (typeof MACHINE_FORMATS)[number];

/**
 * A type's machine as text: its config as JSON for `createMachine`, a Mermaid diagram, the source that Stately Studio
 * imports, or in words.
 */
export function exportMachine(type: ActorType, format: MachineFormat): string {
  switch (format) {
    case "json":
      return configOf(type);
    case "mermaid":
      return drawMachine(type.machine);
    case "source":
      return readSource(type);
    case "text":
      return outlineMachine(type.machine);
    default:
      return format satisfies never;
  }
}

/** The module in which the machine is written; of a type that is not under `machines/`, its config as such a module. */
function readSource(type: ActorType): string {
  const module = new URL(`../../machines/${type.name}/machine.ts`, import.meta.url);
  if (existsSync(module)) return readFileSync(module, "utf8");
  return `import { createMachine } from "xstate";\n\nexport const machine = createMachine(${configOf(type).trimEnd()});\n`;
}

function configOf(type: ActorType): string {
  return `${JSON.stringify(machineConfig(type.machine), null, 2)}\n`;
}
