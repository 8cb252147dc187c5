import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import { delayText } from "../actor/delay-text.ts";

/*
 * Transitions in words, as all drawings and texts of a machine say them.
 */

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
  if (typeof delay === "number") return delayText(delay);
  const known: unknown = machine.implementations.delays[String(delay)];
  return typeof known === "number" ? `${delay} (${delayText(known)})` : String(delay);
}
