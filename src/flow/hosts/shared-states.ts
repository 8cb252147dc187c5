import type { AnyMachineSnapshot, AnyStateNode } from "xstate";
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
  // By XState's own `order` two are one where a third has their id.
  const numbers = new Map<AnyStateNode, number>();
  const numberOf = (node: AnyStateNode) => {
    const number = numbers.get(node) ?? numbers.size;
    if (number === numbers.size) numbers.set(node, number);
    return number;
  };
  return ({ _nodes, value, tags }) => {
    const name = _nodes.map(numberOf).join();
    const found = known.get(name);
    if (found !== undefined) return found;
    freezeJson(value);
    const states = { _nodes, value, tags };
    if (known.size < MAX_KNOWN) known.set(name, states);
    return states;
  };
}
