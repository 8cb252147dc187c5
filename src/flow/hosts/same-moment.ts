import type { AnyMachineSnapshot } from "xstate";
import type { Moment } from "./statechart.ts";

/**
 * Whether two moments have one future: what follows from the one follows from the other. The order of the active states
 * counts, since XState takes parallel states' transitions in it, and so does the order of a context's members.
 */
export function isSameMoment(a: Moment, b: Moment): boolean {
  if (a === b) return true;
  return (
    isSameSnapshot(a.snapshot, b.snapshot) &&
    a.timers.length === b.timers.length &&
    a.timers.every((timer, index) => isSameJson(timer, b.timers[index]))
  );
}

function isSameSnapshot(a: AnyMachineSnapshot, b: AnyMachineSnapshot): boolean {
  if (a === b) return true;
  return (
    a.status === b.status &&
    isSameList(a._nodes, b._nodes) &&
    isSameHistory(a.historyValue, b.historyValue) &&
    isSameJson(a.context, b.context) &&
    isSameJson(a.output, b.output)
  );
}

function isSameHistory(a: AnyMachineSnapshot["historyValue"], b: AnyMachineSnapshot["historyValue"]): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => isSameList(a[name] as readonly unknown[], (b[name] as readonly unknown[] | undefined) ?? []))
  );
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((member, index) => member === b[index]);
}

/** Of settled values: whether JSON writes both alike. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  const others = Object.keys(b);
  return (
    names.length === others.length &&
    names.every(
      (name, index) =>
        name === others[index] &&
        isSameJson((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  );
}
