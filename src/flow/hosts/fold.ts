import type { EventObject } from "xstate";
import type { ActorEvent } from "../../actor/actor-type.ts";
import { asError } from "../../actor/as-error.ts";
import { compareTimestamps } from "../../actor/event-time.ts";
import { describeCycle, describeDelay, describeFact } from "./describe.ts";
import { isHandled, type Moment, type Statechart } from "./statechart.ts";
import { findNext, type Timer, withoutFired } from "./timers.ts";

/** What a fold does not change. */
export interface Actor {
  readonly chart: Statechart;
  /** The machine's `input.id`. */
  readonly id: string;
  /** Delays that may fire between two facts, and after the last. */
  readonly maxDelays: number;
}

/** A moment, and how many delays have fired since the fact before it. */
export interface Point {
  readonly moment: Moment;
  readonly delays: number;
}

/** What a fact found, the delays before it having ended, and what came of it. */
export interface Folded {
  readonly before: Moment;
  readonly after: Point;
}

/** One step of a fold: a fact that acts, or a delay that ends. */
export type Step = (
  | { readonly kind: "fact"; readonly event: ActorEvent }
  /** With what the machine hears: `xstate.after.30000.order.open` or the event raised, and when it was due. */
  | { readonly kind: "delay"; readonly event: Timed }
) & {
  /** Event time. */
  readonly at: string;
  /** Whether a transition was selected for it. */
  readonly isHandled: boolean;
  /** What the actor was after it. */
  readonly moment: Moment;
};

/** Told each step in the order in which they act. */
type Tell = (step: Step) => void;

/** Delays looked at to name the cycle they go round in. */
const CYCLE_WINDOW = 64;

/**
 * The fold of an actor's facts cannot go on: its machine threw, did what no actor may, or waits for ever. With more facts
 * it may.
 */
export class FoldFault extends Error {
  /** The event that threw, in words: a fact or a delay. */
  readonly thrower: string;
  /** What was wrong, without the thrower. */
  readonly reason: string;

  constructor(thrower: string, cause: unknown) {
    const error = asError(cause);
    super(`${thrower}: ${error.message}`, { cause: error });
    this.thrower = thrower;
    this.reason = error.message;
  }
}

/**
 * The state before the first fact. Its delays begin with the earliest fact, whatever the machine makes of that.
 *
 * @throws FoldFault
 */
export function begin({ chart, id }: Actor, first: ActorEvent): Point {
  try {
    return { moment: chart.begin(id, first.timestamp), delays: 0 };
  } catch (error) {
    throw new FoldFault("the initial state", error);
  }
}

/**
 * Lets a fact act, and before it every delay that is due before it. At the fact's own time the fact comes first: what
 * happened at the deadline was in time.
 *
 * @throws FoldFault
 */
export function foldFact(actor: Actor, from: Point, fact: ActorEvent, tell?: Tell): Folded {
  const isDue = (due: string) => compareTimestamps(due, fact.timestamp) < 0;
  const before = from.moment.timers.length === 0 ? from.moment : fireDelays(actor, from, isDue, tell).moment;
  const moment = step(actor, before, fact, () => describeFact(fact));
  tell?.({ kind: "fact", event: fact, at: fact.timestamp, isHandled: isHandled(before, moment, fact), moment });
  return { before, after: { moment, delays: 0 } };
}

/**
 * Lets every delay act that is due by `passed`, after the last fact.
 *
 * @param passed - null: no time is known to have passed.
 * @throws FoldFault
 */
export function foldTime(actor: Actor, from: Point, passed: string | null, tell?: Tell): Point {
  if (passed === null) return from;
  return fireDelays(actor, from, (due) => compareTimestamps(due, passed) <= 0, tell);
}

/** A fault is a value from here on. */
export function attempt<Result>(work: () => Result): Result | FoldFault {
  try {
    return work();
  } catch (error) {
    if (error instanceof FoldFault) return error;
    throw error;
  }
}

function fireDelays(actor: Actor, from: Point, isDue: (due: string) => boolean, tell?: Tell): Point {
  let { moment, delays } = from;
  for (let next = findNext(moment.timers); next !== undefined && isDue(next.due); next = findNext(moment.timers)) {
    if (delays === actor.maxDelays) throw timersForEver(actor, moment, next);
    const before = moment;
    const event = { ...next.event, timestamp: next.due };
    moment = fire(actor, before, next, event);
    delays++;
    tell?.({ kind: "delay", event, at: event.timestamp, isHandled: isHandled(before, moment, event), moment });
  }
  return delays === from.delays ? from : { moment, delays };
}

function fire(actor: Actor, moment: Moment, timer: Timer, event: Timed): Moment {
  const without = { snapshot: moment.snapshot, timers: withoutFired(moment.timers, timer) };
  return step(actor, without, event, () => describeDelay(event.type, timer.due));
}

type Timed = EventObject & { readonly timestamp: string };

function step({ chart }: Actor, moment: Moment, event: Timed, describe: () => string): Moment {
  // A live actor that is done hears nothing any more; XState's pure step would still run the root's handlers.
  if (moment.snapshot.status !== "active") return moment;
  try {
    return chart.step(moment, event, event.timestamp);
  } catch (error) {
    throw new FoldFault(describe(), error);
  }
}

/** Goes round once more to see what it is that never ends. */
function timersForEver(actor: Actor, from: Moment, next: Timer): FoldFault {
  const fired: string[] = [];
  let moment = from;
  try {
    for (let timer: Timer | undefined = next; timer !== undefined && fired.length < CYCLE_WINDOW; ) {
      fired.push(timer.event.type);
      moment = fire(actor, moment, timer, { ...timer.event, timestamp: timer.due });
      timer = findNext(moment.timers);
    }
  } catch {
    // The window then ends there: it is for the message only.
  }
  const many = `more than ${actor.maxDelays} delays without a fact between, ${describeCycle(fired)}`;
  const reason = `timers for ever: ${many}; raise maxDelays where so many are meant`;
  return new FoldFault(describeDelay(next.event.type, next.due), new Error(reason));
}
