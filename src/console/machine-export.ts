import { readFileSync } from "node:fs";
import type { ActorType } from "../../machines/actor-type.ts";

/** The module in which a type's machine is written, as Stately Studio imports it. */
export function readMachineSource(type: ActorType): string {
  return readFileSync(new URL(`../../machines/${type.name}/machine.ts`, import.meta.url), "utf8");
}
