import type { ActorEvent } from "../../actor/actor-type.ts";
import { compareTimestamps } from "../../actor/event-time.ts";
import type { Pieces } from "../pieces.ts";
import { type Anchor, findStart, IN_MEMORY, thin } from "./anchors.ts";
import { describeFact } from "./describe.ts";
import { freezeFact, type Past } from "./fact.ts";
import { comparePlaces, type Place, placeOf } from "./fact-order.ts";
import { type Actor, attempt, begin, FoldFault, foldFact, foldTime, type Point, type Step } from "./fold.ts";
import { type Refolded, refold } from "./refold.ts";
import type { Moment } from "./statechart.ts";

/** Some 0.1 ms. */
const FACTS_A_PIECE = 32;

/**
 * What is known of an actor by event time: the fold of its facts in the order of `comparePlaces`, then of the time that
 * has passed. Immutable: whoever keeps the one before an event can undo it.
 */
export interface Timeline {
  /** Facts heard, those that a fault kept from being folded included. */
  readonly count: number;
  /** Of the fact that happened last. */
  readonly latest: Place;
  /** Event time known to have passed; null when none is. */
  readonly passed: string | null;
  /** The oldest facts, folded once and for all: see `settleBefore`. Undefined when all are kept. */
  readonly base: Anchor | undefined;
  /** By count, ascending. In a row they may be older than the rest: only what `stillTrue` says of them holds. */
  readonly anchors: readonly Anchor[];
  /** Why the facts cannot be folded; undefined when they can. */
  readonly fault: FoldFault | undefined;
  /** Where the fold ends. While there is a fault, where it ended before; undefined when it never did. */
  readonly end: End | undefined;
}

/** Both are kept, since a fact may come that happened after the last and before `passed`. */
export interface End {
  /** After the last fact, before any delay. */
  readonly last: Moment;
  /** After the delays due by `passed`: what the actor is now. */
  readonly now: Point;
}

/**
 * What a fact did. `applied`: it is the last to have happened, and a transition was selected for it. `reordered`: it
 * happened before others. `unhandled`: no transition was selected; one that happened earlier may change that. `held`:
 * the facts cannot be folded; further ones may mend that. Its error names what threw and, where that is another, the fact
 * heard.
 */
export type Heard =
  | {
      readonly kind: "applied" | "reordered" | "unhandled";
      /** Facts that happened later and were folded again, until nothing differed any more. */
      readonly replayed: number;
    }
  | { readonly kind: "held"; readonly error: Error };

/** What a fold did, up to the fact that happened last. */
export interface Acted {
  /** The fact from which on it went; undefined: from the first. */
  readonly after: Place | undefined;
  readonly steps: readonly Step[];
}

export interface Outcome {
  readonly timeline: Timeline;
  readonly heard: Heard;
  /** Absent where less is known. */
  readonly acted?: Acted;
}

/**
 * Hears a fact. The latest costs one step, an earlier one the steps from the anchor before it.
 *
 * @param timeline - undefined for the first fact.
 * @param heard - of an identity (type and eventId) not heard before, and not before the base.
 */
export function hear(actor: Actor, timeline: Timeline | undefined, heard: ActorEvent, past: Past): Outcome {
  const fact = freezeFact(heard);
  if (timeline === undefined) return append(actor, undefined, undefined, fact);
  if (!goesOn(timeline, fact)) {
    const { refolding, end } = insert(actor, timeline, fact, past);
    refolding.go(Number.POSITIVE_INFINITY);
    return end();
  }
  const { end, passed } = timeline;
  // What has fired by `passed` may have been due only after this fact, or at its very time.
  const isBeyond = passed === null || compareTimestamps(fact.timestamp, passed) > 0;
  const outcome = append(actor, timeline, isBeyond ? end.now : { moment: end.last, delays: 0 }, fact);
  // Delays have acted between that nobody noted.
  return isBeyond && end.now.moment !== end.last ? { timeline: outcome.timeline, heard: outcome.heard } : outcome;
}

/** The same, bit by bit where other facts are folded again. */
export function* hearInPieces(
  actor: Actor,
  timeline: Timeline | undefined,
  heard: ActorEvent,
  past: Past,
): Pieces<Outcome> {
  if (timeline === undefined || goesOn(timeline, heard)) return hear(actor, timeline, heard, past);
  const { refolding, end } = insert(actor, timeline, freezeFact(heard), past);
  while (!refolding.go(FACTS_A_PIECE)) yield;
  return end();
}

/** How many facts {@link hear} folds again of one that happened then, at most, as far as is known. */
export function weigh({ count, base, anchors, latest, fault, end }: Timeline, place: Place): number {
  const isLast = fault === undefined && end !== undefined && comparePlaces(place, latest) > 0;
  const from = isLast ? count : anchors.findLast((anchor) => comparePlaces(anchor.place, place) < 0)?.count;
  return count - (from ?? base?.count ?? 0);
}

/**
 * Hears that a time has passed: delays due by then fire.
 *
 * @param passed - normalised; one that is not later than what is known changes nothing.
 */
export function pass(actor: Actor, timeline: Timeline, passed: string): Timeline {
  if (timeline.passed !== null && compareTimestamps(passed, timeline.passed) <= 0) return timeline;
  const { end, fault } = timeline;
  // More time mends no fault: delays fire in one order, and what came before it stays.
  if (end === undefined || fault !== undefined) return { ...timeline, passed };
  return endAt(actor, { ...timeline, passed }, end.last, end.now);
}

/**
 * Folds what happened before a time once and for all: those facts are not needed any more, and none that happened before
 * them can be heard. Their identities are the caller's to keep, so that a repeat is known for one.
 *
 * @param horizon - normalised; what happened at that very time can still be heard.
 * @returns the timeline as it was when no anchor is kept before the horizon.
 */
export function settleBefore(timeline: Timeline, horizon: string, past: Past): Timeline {
  // To look costs reading all that happened since the base.
  if (!timeline.anchors.some(({ place }) => compareTimestamps(place.timestamp, horizon) < 0)) return timeline;
  const { from, after } = findStart(timeline, past, ({ timestamp }) => compareTimestamps(timestamp, horizon) < 0);
  return from === timeline.base ? timeline : { ...timeline, base: from, anchors: after };
}

/** @param from - undefined for the first fact. */
function append(actor: Actor, before: Timeline | undefined, from: Point | undefined, fact: ActorEvent): Outcome {
  const latest = placeOf(fact);
  const { anchors = [], passed = null, end, base } = before ?? {};
  const count = (before?.count ?? 0) + 1;
  // Most often one: an empty list that grows has room for 17.
  let steps: Step[] | undefined;
  const tell = (step: Step) => {
    if (steps === undefined) steps = [step];
    else steps.push(step);
  };
  const folded = attempt(() => foldFact(actor, from ?? begin(actor, fact), fact, tell));
  if (folded instanceof FoldFault) {
    return broken({ count, latest, passed, base, anchors, fault: undefined, end }, folded, fact);
  }
  const { moment } = folded.after;
  const kept = thin([...anchors, { count, place: latest, moment }], IN_MEMORY);
  const next = { count, latest, passed, base, anchors: kept, fault: undefined, end };
  const timeline = endAt(actor, next, moment, folded.after);
  if (timeline.fault !== undefined) return broken(timeline, timeline.fault, fact);
  const kind = steps?.at(-1)?.isHandled ? "applied" : "unhandled";
  return { timeline, heard: { kind, replayed: 0 }, acted: { after: before?.latest, steps: steps ?? [] } };
}

/** Does it go on from where the fold ends? After a fault all are folded again. */
function goesOn(timeline: Timeline, fact: Place): timeline is Timeline & { readonly end: End } {
  const { end, fault, latest } = timeline;
  return end !== undefined && fault === undefined && comparePlaces(fact, latest) >= 0;
}

function insert(actor: Actor, before: Timeline, fact: ActorEvent, past: Past) {
  const isWhole = before.fault === undefined && before.end !== undefined;
  const { count, anchors, base } = before;
  const refolding = refold(actor, { count, anchors, base, isWhole }, past, fact);
  return { refolding, end: () => inserted(actor, before, fact, refolding.end()) };
}

function inserted(actor: Actor, before: Timeline, fact: ActorEvent, refolded: Refolded): Outcome {
  const { latest, replayed, isSettled, result, acted } = refolded;
  const next: Timeline = { ...before, count: refolded.count, latest, anchors: refolded.anchors, fault: undefined };
  if (result instanceof FoldFault) return broken(next, result, fact);
  const { moment } = result;
  const timeline = isSettled ? next : endAt(actor, next, moment, { moment, delays: 0 });
  if (timeline.fault !== undefined) return broken(timeline, timeline.fault, fact);
  const isLast = comparePlaces(fact, latest) === 0;
  const kind = !refolded.isHandled ? "unhandled" : isLast ? "applied" : "reordered";
  return { timeline, heard: { kind, replayed }, ...(!isSettled && { acted }) };
}

function endAt(actor: Actor, timeline: Timeline, last: Moment, from: Point): Timeline {
  const now = attempt(() => foldTime(actor, from, timeline.passed));
  return now instanceof FoldFault ? { ...timeline, fault: now } : { ...timeline, end: { last, now } };
}

function broken(timeline: Timeline, fault: FoldFault, fact: ActorEvent): Outcome {
  const name = describeFact(fact);
  const message = fault.thrower === name ? fault.message : `${fault.message} (heard: ${name})`;
  return { timeline: { ...timeline, fault }, heard: { kind: "held", error: new Error(message, { cause: fault }) } };
}
