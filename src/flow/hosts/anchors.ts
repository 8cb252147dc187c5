import type { Place } from "./fact-order.ts";
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
  const kept: Anchor[] = [];
  let above = newest.count;
  for (let index = anchors.length - 1; index >= 0; index--) {
    const anchor = anchors[index] as Anchor;
    const below = anchors[index - 1]?.count ?? 0;
    if (anchor !== newest && above - below <= (newest.count - above) * share) continue;
    kept.push(anchor);
    above = anchor.count;
  }
  return kept.length === anchors.length ? anchors : kept.reverse();
}

/**
 * Of anchors that may have been kept before later facts landed among theirs.
 *
 * @param facts - all facts after the base, sorted.
 * @param before - how many facts the base holds.
 * @returns those that hold exactly the facts up to their place.
 */
export function stillTrue(anchors: readonly Anchor[], facts: readonly Place[], before: number): readonly Anchor[] {
  return anchors.filter(({ count, place }) => {
    const last = facts[count - before - 1];
    return (
      last !== undefined &&
      last.type === place.type &&
      last.eventId === place.eventId &&
      last.timestamp === place.timestamp
    );
  });
}
