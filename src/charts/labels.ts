import type { AnyStateNode, AnyTransitionDefinition } from "xstate";

/*
 * Transitions in words, as all drawings and texts of a machine say them.
 */

/** From the longest on: a delay is told in the greatest unit it is a whole number of. */
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
  [1, "ms"],
] as const;

/**
 * What a transition waits for.
 *
 * @returns an event type; `after 30 min`, `after deadline (30 min)` of a delay with a name; `done`; empty when it waits
 *   for nothing.
 */
export function eventName({ eventType, source }: AnyTransitionDefinition): string {
  const after = source.after.find((delayed) => delayed.eventType === eventType);
  if (after !== undefined) return `after ${delayName(source, after.delay)}`;
  if (eventType.startsWith("xstate.done.")) return "done";
  if (eventType.startsWith("xstate.error.")) return "error";
  return eventType;
}

/** Is it taken when a time is over? */
export function isDelayed({ eventType, source }: AnyTransitionDefinition): boolean {
  return source.after.some((delayed) => delayed.eventType === eventType);
}

/** Guards and actions are a name, an object with one, or a function. */
export function nameOf(part: unknown, fallback: string): string {
  if (typeof part === "string") return part;
  if (typeof part === "object" && part !== null && "type" in part) return String(part.type);
  return (typeof part === "function" && part.name) || fallback;
}

/** @returns how a history state is drawn, of any other its key. */
export function stateName({ type, history, key }: AnyStateNode): string {
  if (type !== "history") return key;
  return history === "deep" ? "H*" : "H";
}

/** @param delay - ms, or the name of one. */
function delayName({ machine }: AnyStateNode, delay: unknown): string {
  if (typeof delay === "number") return inWords(delay);
  const known: unknown = machine.implementations.delays[String(delay)];
  return typeof known === "number" ? `${delay} (${inWords(known)})` : String(delay);
}

function inWords(delayMs: number): string {
  const [unitMs, unit] = UNITS.find(([ms]) => delayMs >= ms && delayMs % ms === 0) ?? [1, "ms"];
  return `${delayMs / unitMs} ${unit}`;
}
