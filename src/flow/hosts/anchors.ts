import type { ActorEvent } from "../../actor/actor-type.ts";
import type { Past } from "./fact.ts";
import { comparePlaces, factsAfter, type Place } from "./fact-order.ts";
import type { Moment } from "./statechart.ts";

/** A moment kept to go back to: the one right after a fact, before any delay. */
export interface Anchor {
  /** How many facts it holds, the one at `place` included. */
  readonly count: number;
  /** Of the last of them. */
  readonly place: Place;
  readonly moment: Moment;
}

/**
 * How far apart anchors may be, as a share of their distance from the end: going back replays at most that much more
 * than it must. In memory 65 are kept of 1,000 facts, in a row 10.
 */
export const IN_MEMORY = 1 / 8;
export const IN_A_ROW = 1;

/**
 * Drops anchors so that the gaps grow with the distance from the end.
 *
 * @param anchors - by count, ascending.
 * @param share - {@link IN_MEMORY} or {@link IN_A_ROW}.
 * @returns the same array when none was dropped. The last is always kept.
 */
export function thin(anchors: readonly Anchor[], share: number): readonly Anchor[] {
  const newest = anchors.at(-1);
  if (newest === undefined) return anchors;
  // Made with the first that is dropped: of a few none is.
  let kept: Anchor[] | undefined;
  let above = newest.count;
  for (let index = anchors.length - 1; index >= 0; index--) {
    const anchor = anchors[index] as Anchor;
    const below = anchors[index - 1]?.count ?? 0;
    if (anchor !== newest && above - below <= (newest.count - above) * share) {
      kept ??= anchors.slice(index + 1).reverse();
      continue;
    }
    kept?.push(anchor);
    above = anchor.count;
  }
  return kept?.reverse() ?? anchors;
}

/**
 * At how many facts an anchor is worth its place: those that {@link thin} would keep were there one after each.
 *
 * @param first - the fewest.
 * @param last - the most.
 */
export function worthKeeping(first: number, last: number, share: number): ReadonlySet<number> {
  const counts = new Set<number>();
  for (let count = last; count >= first; ) {
    counts.add(count);
    count -= Math.max(1, Math.floor((last - count) * share));
  }
  return counts;
}

/** What is known of a fold: see `Timeline`. */
interface Kept {
  readonly count: number;
  readonly base: Anchor | undefined;
  readonly anchors: readonly Anchor[];
}

/** Where a fold can be gone back to. */
export interface Start {
  /** Undefined: the initial state. */
  readonly from: Anchor | undefined;
  /** The facts after it, sorted. */
  readonly facts: readonly ActorEvent[];
  /** The anchors up to it, and those after it that are true. */
  readonly before: readonly Anchor[];
  readonly after: readonly Anchor[];
}

/**
 * The newest anchor to go back to. Those that came back from a row may have been kept before later facts landed among
 * theirs: one is true when as many facts happened after it as it does not hold, since no fact is ever lost.
 *
 * @param isBefore - whether a place is far enough back.
 */
export function findStart({ count, base, anchors }: Kept, past: Past, isBefore: (place: Place) => boolean): Start {
  const before = anchors.filter(({ place }) => isBefore(place));
  const after = anchors.slice(before.length);
  const newest = before.at(-1);
  if (newest !== undefined) {
    const facts = factsAfter(newest.place, past(newest.place));
    if (newest.count + facts.length === count) {
      return { from: newest, facts, before, after: stillTrue(after, facts, newest.count) };
    }
  }
  const held = base?.count ?? 0;
  const facts = factsAfter(base?.place, past(base?.place));
  const known = stillTrue(before, facts, held);
  const from = known.at(-1) ?? base;
  return {
    ...{ from, before: known, after: stillTrue(after, facts, held) },
    facts: facts.slice((from?.count ?? 0) - held),
  };
}

/** @returns those that hold exactly the facts up to their place, of which `held` come before the sorted ones given. */
function stillTrue(anchors: readonly Anchor[], facts: readonly Place[], held: number): readonly Anchor[] {
  return anchors.filter(({ count, place }) => {
    const last = facts[count - held - 1];
    return last !== undefined && comparePlaces(last, place) === 0;
  });
}
