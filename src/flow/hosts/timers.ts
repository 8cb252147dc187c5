import type { EventObject } from "xstate";
import { compareTimestamps } from "../../actor/event-time.ts";
import { problemOfDelayed } from "../../actor/statechart-refusals.ts";
import { addDelay } from "./due-time.ts";
import { settle } from "./settle.ts";

/** A delay that runs: an `after` of a state that is active, or a delayed `raise`. */
export interface Timer {
  /** What `cancel` names; null for a `raise` without id, which is a timer of its own and cannot be cancelled. */
  readonly id: string | null;
  /**
   * XState finds a delay by its id only: one set later under the same id hides this one, one that fires under the same
   * id hides all. What is hidden still fires.
   */
  readonly isHidden: boolean;
  /** When it fires, normalised event time. */
  readonly due: string;
  /** What the machine hears then, beside `timestamp`. */
  readonly event: EventObject;
}

/** In the order in which they were set, which is the order in which those due at one time fire. */
export type Timers = readonly Timer[];

/**
 * Sets a delay.
 *
 * @param at - event time at which it is set.
 * @param delayMs - whatever the machine gave.
 * @throws when that is no finite number of at least 0, ends after the year 9999, or the event has a name of XState's own or
 *   cannot be stored.
 */
export function setTimer(timers: Timers, at: string, delayMs: unknown, timer: Pick<Timer, "id" | "event">): Timers {
  const { id, event } = timer;
  // Of a name that is made up, or hides in a function, nobody could say so before.
  const problem = problemOfDelayed(event.type);
  if (problem !== undefined) throw new Error(`it ${problem}`);
  if (typeof delayMs !== "number" || !Number.isFinite(delayMs) || delayMs < 0) {
    const found = typeof delayMs === "string" ? JSON.stringify(delayMs) : String(delayMs);
    throw new Error(`the delay of ${event.type} is ${found}: expected a finite number of milliseconds, 0 or more`);
  }
  const due = addDelay(at, delayMs);
  if (due === undefined) throw new Error(`the delay of ${event.type}, ${delayMs} ms, ends after the year 9999`);
  const stored = settle(`the delayed event ${event.type}`, event) as EventObject;
  // Not spread: V8 would leave room for 16 more, in each moment that is kept.
  return hide(timers, id).concat({ id, isHidden: false, due, event: stored });
}

/** Ends the delay that `id` names, if one does. */
export function cancelTimer(timers: Timers, id: string): Timers {
  const named = timers.find((timer) => timer.id === id && !timer.isHidden);
  return named === undefined ? timers : timers.filter((timer) => timer !== named);
}

/** @returns the timer that fires first, undefined when none runs. */
export function findNext(timers: Timers): Timer | undefined {
  let next = timers[0];
  for (const timer of timers) {
    if (next !== undefined && compareTimestamps(timer.due, next.due) < 0) next = timer;
  }
  return next;
}

/** @returns the timers once `fired` has fired. */
export function withoutFired(timers: Timers, fired: Timer): Timers {
  return hide(
    timers.filter((timer) => timer !== fired),
    fired.id,
  );
}

function hide(timers: Timers, id: string | null): Timers {
  if (id === null || !timers.some((timer) => timer.id === id)) return timers;
  return timers.map((timer) => (timer.id === id && !timer.isHidden ? { ...timer, isHidden: true } : timer));
}
