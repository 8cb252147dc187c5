import { createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../actor/actor-type.ts";
import { machineConfig } from "../actor/machine-config.ts";
import { fieldSchemas, type JsonSchema } from "./json-schemas.ts";

/** What of a type is told as it is: names, and how it treats time. */
const TOLD = [
  "name",
  "collection",
  "idField",
  "ordering",
  "graceMs",
  "aheadMs",
  "latenessMs",
  "version",
  "states",
  "decisionTypes",
  "withdrawn",
] as const satisfies readonly (keyof ActorType)[];

/** An actor type as JSON: all that whoever looks or publishes needs of it, and none of its code. */
export interface TypeDescription extends Pick<ActorType, (typeof TOLD)[number]> {
  /** JSON Schema 2020-12 of each event's own fields. */
  readonly events: Readonly<Record<string, JsonSchema>>;
  /** The same of each decision; absent when its fields are any. */
  readonly decisions?: Readonly<Record<string, JsonSchema>>;
  /** Its config, as `createMachine` takes it; functions within are left out. */
  readonly machine: ReturnType<typeof machineConfig>;
  /** Its delays that have a name and are always the same, in ms. */
  readonly delays: Readonly<Record<string, number>>;
}

/** Describes a type for those who have not its code. */
export function describeType(type: ActorType): TypeDescription {
  const told = Object.fromEntries(TOLD.map((field) => [field, type[field]])) as Pick<ActorType, (typeof TOLD)[number]>;
  return {
    ...told,
    events: fieldSchemas(type.events),
    ...(type.decisions && { decisions: fieldSchemas(type.decisions) }),
    machine: machineConfig(type.machine),
    delays: Object.fromEntries(Object.entries(type.machine.implementations.delays).filter(isFixed)),
  };
}

/**
 * The type that was described, to look at its actors and to write events for them.
 *
 * @returns a type whose rules throw: they are code, and stay where it is. Its contract checks what JSON Schema can say;
 *   what else it refuses, its daemon knows.
 */
export function typeOf(description: TypeDescription): ActorType {
  const { events, decisions, machine, delays, ...told } = description;
  const rule = (): never => {
    throw new Error(`the rules of ${told.name} are its daemon's, which has told only what it looks like`);
  };
  return {
    ...told,
    events: contractOf(events),
    ...(decisions && { decisions: contractOf(decisions) }),
    machine: createMachine(machine, { delays }),
    conclude: rule,
    completeness: rule,
    view: rule,
    waitingFor: rule,
  };
}

function isFixed(delay: [string, unknown]): delay is [string, number] {
  return typeof delay[1] === "number";
}

function contractOf(schemas: Readonly<Record<string, JsonSchema>>): ActorType["events"] {
  const read = ([name, schema]: [string, JsonSchema]) => [name, z.fromJSONSchema(schema)] as const;
  return Object.fromEntries(Object.entries(schemas).map(read)) as ActorType["events"];
}
