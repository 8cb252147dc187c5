import { compareTimestamps } from "../../actor/event-time.ts";
import { findStart } from "./anchors.ts";
import type { Past } from "./fact.ts";
import { comparePlaces, type Place } from "./fact-order.ts";
import type { Timeline } from "./timeline.ts";

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

/** @returns whether a fact happened before what is folded once and for all. */
export function isTooLate({ base }: Timeline, fact: Place): boolean {
  return base !== undefined && comparePlaces(fact, base.place) < 0;
}
