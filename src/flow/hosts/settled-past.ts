import { compareTimestamps } from "../../actor/event-time.ts";
import { stillTrue } from "./anchors.ts";
import { comparePlaces, type Place } from "./fact-order.ts";
import { factsAfter } from "./refold.ts";
import type { Past, Timeline } from "./timeline.ts";

/**
 * Folds what happened before a time once and for all: those facts are not needed any more, and none that happened before
 * them can be heard. Their identities are the caller's to keep, so that a repeat is known for one.
 *
 * @param horizon - normalised; what happened at that very time can still be heard.
 * @returns the timeline as it was when no anchor is kept before the horizon.
 */
export function settleBefore(timeline: Timeline, horizon: string, past: Past): Timeline {
  const { base, anchors } = timeline;
  // Anchors that came back from a row may be of before later facts.
  const known = stillTrue(anchors, factsAfter(base, past()), base?.count ?? 0);
  const newest = known.findLast(({ place }) => compareTimestamps(place.timestamp, horizon) < 0);
  return newest === undefined
    ? timeline
    : { ...timeline, base: newest, anchors: known.filter(({ count }) => count > newest.count) };
}

/** @returns whether a fact happened before what is folded once and for all. */
export function isTooLate({ base }: Timeline, fact: Place): boolean {
  return base !== undefined && comparePlaces(fact, base.place) < 0;
}
