import type { AnyStateMachine } from "xstate";
import type { ActorType } from "./actor-type.ts";
import { actionsOf } from "./statechart-refusals.ts";

/** How an actor type treats time; all of it has defaults. */
export type Timing = Pick<ActorType, "ordering" | "graceMs" | "aheadMs" | "latenessMs">;

/** What an actor type may leave out besides: a contract alone has no machine. */
type Timed = Partial<Pick<ActorType, "machine">> & Timing;

/** The event type that says up to when time has passed, see `wire/tick.ts`. No actor type has an event of this name. */
export const TIME_PASSED = "TimePassed";

const GRACE_MS = 2000;
const AHEAD_MS = 60_000;
/** Where no time passes by itself, a wrong clock expires nothing. */
const AHEAD_WITHOUT_DELAYS_MS = 24 * 60 * 60 * 1000;

const KNOWN = new WeakMap<AnyStateMachine, boolean>();

/**
 * Can an actor of this type wait for a time? So it can with an `after` or a delayed `raise`; `enqueueActions` may hide
 * one, and counts as if it did.
 */
export function hasDelays(type: Timed): boolean {
  const { machine } = type;
  if (machine === undefined || !hearsTicks(type)) return false;
  const known = KNOWN.get(machine) ?? delays(machine);
  KNOWN.set(machine, known);
  return known;
}

/**
 * Does time pass for actors of this type? Also where none waits: ticks that the log has from the time of an earlier machine
 * are no dead letters.
 */
export function hearsTicks({ machine, ordering }: Timed): boolean {
  return machine !== undefined && ordering !== "merge";
}

/** How long after a delay has ended facts that happened before its end are waited for, ms of stream time. */
export function graceOf({ graceMs = GRACE_MS }: Timing): number {
  return graceMs;
}

/**
 * How long after its storing an event may say it happened, ms. Short where time acts by itself: one wrong clock must not
 * expire everything.
 */
export function aheadOf(type: Timed): number {
  const { aheadMs = AHEAD_MS, latenessMs } = type;
  return hasDelays(type) || latenessMs !== undefined ? aheadMs : AHEAD_WITHOUT_DELAYS_MS;
}

function delays(machine: AnyStateMachine): boolean {
  // XState makes of each `after` a raise with a delay, at the entry of its state.
  return [...actionsOf(machine)].some(
    ({ type, code }) => type === "xstate.enqueueActions" || (type === "xstate.raise" && code.delay !== undefined),
  );
}
