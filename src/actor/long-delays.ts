import type { ActorType } from "./actor-type.ts";
import { delayText } from "./delay-text.ts";
import { hearsTicks } from "./delays.ts";
import { actionsOf, isAfter } from "./statechart-refusals.ts";

/** What is said of them. */
export const LONG_DELAY =
  "longer than the streams keep events (NATSTATE_MAX_AGE): a store made anew meanwhile knows nothing of who waits";

/**
 * Delays as they are written, each once; one that a function gives shows only when it begins.
 *
 * @param maxAgeMs - how long the streams keep what a delay began with; 0: for ever.
 * @returns those that are longer, for example `45 d at trial`.
 */
export function findLongDelays(type: Pick<ActorType, "machine" | "ordering">, maxAgeMs: number): string[] {
  const { machine } = type;
  if (!hearsTicks(type) || maxAgeMs === 0) return [];
  const named = machine.implementations.delays as Readonly<Record<string, unknown>>;
  const long = [...actionsOf(machine)].flatMap(({ path, when, type, code }) => {
    const ms = typeof code.delay === "string" ? named[code.delay] : code.delay;
    if (type !== "xstate.raise" || typeof ms !== "number" || ms <= maxAgeMs) return [];
    return [`${delayText(ms)} at ${isAfter(code) ? path : `${path}, ${when}`}`];
  });
  return [...new Set(long)];
}
