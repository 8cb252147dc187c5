import type { AnyMachineSnapshot } from "xstate";
import { freezeJson } from "./settle.ts";

/** What of a snapshot follows from its active states, in their order. */
type States = Pick<AnyMachineSnapshot, "_nodes" | "value" | "tags">;

/** A machine of many parallel states may be in thousands: the rest is as XState made it. */
const MAX_KNOWN = 256;

/**
 * What all moments of one machine in the same states share. XState makes it anew with each step, and an actor in memory keeps
 * several moments: of a device that heard five facts it was a third of 16 KB.
 *
 * @returns what to have in a snapshot in place of its own; the value is frozen.
 */
export function createSharedStates(): (snapshot: AnyMachineSnapshot) => States {
  const known = new Map<string, States>();
  return ({ _nodes, value, tags }) => {
    // A state's place among all of its machine.
    const name = _nodes.map(({ order }) => order).join();
    const found = known.get(name);
    if (found !== undefined) return found;
    freezeJson(value);
    const states = { _nodes, value, tags };
    if (known.size < MAX_KNOWN) known.set(name, states);
    return states;
  };
}
