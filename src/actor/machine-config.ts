import type { AnyStateMachine } from "xstate";

/** A machine's config as JSON has it, for `createMachine`: what is written in place as a function is left out. */
export function machineConfig(machine: AnyStateMachine): Readonly<Record<string, unknown>> {
  const withoutCode = (_: string, value: unknown) =>
    Array.isArray(value) ? value.filter((each) => typeof each !== "function") : value;
  return JSON.parse(JSON.stringify(machine.config, withoutCode)) as Readonly<Record<string, unknown>>;
}
