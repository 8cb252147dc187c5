import { type AnyMachineSnapshot, matchesState, type StateValue } from "xstate";
import type { ActorSnapshot } from "./actor-type.ts";

/**
 * What an actor's rules see of XState's snapshot, of a machine that did not fail. `matches` may be taken out of it, as in
 * `conclude({ matches })`; XState's own needs its snapshot.
 */
export function showToRules({ value, context, status, output, tags }: AnyMachineSnapshot): ActorSnapshot {
  return {
    value,
    context,
    status: status === "done" ? "done" : "active",
    output,
    // All actors in these states share one set, and a set cannot be frozen. To copy it takes less than a getter of its own.
    tags: new Set(tags),
    matches: (state) => isIn(value, state),
  };
}

/** Most states are one name: XState takes each name apart, letter by letter, 1 KB of garbage. */
function isIn(value: StateValue, state: Parameters<typeof matchesState>[0]): boolean {
  if (state === value) return true;
  return !(isName(state) && isName(value)) && matchesState(state, value);
}

/** Not a path of names, nor one of which a dot is a part. */
function isName(state: unknown): boolean {
  return typeof state === "string" && !state.includes(".") && !state.includes("\\");
}
