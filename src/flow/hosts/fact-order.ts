import type { ActorEvent } from "../../actor/actor-type.ts";
import { compareTimestamps } from "../../actor/event-time.ts";

/** What places a fact among an actor's facts. */
export type Place = Pick<ActorEvent, "timestamp" | "type" | "eventId">;

/**
 * The order in which an actor's facts are folded: by timestamp, event type, event id, the last two as UTF-8 bytes.
 *
 * @returns negative when `a` comes first; 0 only for two facts of one identity and time.
 */
export function comparePlaces(a: Place, b: Place): number {
  return (
    compareTimestamps(a.timestamp, b.timestamp) || compareUtf8(a.type, b.type) || compareUtf8(a.eventId, b.eventId)
  );
}

/** @returns what is kept of a fact where the fact itself is not. */
export function placeOf({ timestamp, type, eventId }: Place): Place {
  return { timestamp, type, eventId };
}

/** @returns the facts in the order of {@link comparePlaces}, the given array when it is in that order already. */
export function sortFacts(facts: readonly ActorEvent[]): readonly ActorEvent[] {
  const isSorted = facts.every((fact, index) => index === 0 || comparePlaces(facts[index - 1] as Place, fact) < 0);
  return isSorted ? facts : [...facts].sort(comparePlaces);
}

/** @returns the facts that happened after a place, sorted; all of them when it is undefined. */
export function factsAfter(place: Place | undefined, facts: readonly ActorEvent[]): readonly ActorEvent[] {
  const sorted = sortFacts(facts);
  if (place === undefined || sorted[0] === undefined || comparePlaces(sorted[0], place) > 0) return sorted;
  const index = countBefore(sorted, place);
  const isThere = comparePlaces(sorted[index] ?? place, place) === 0;
  return sorted.slice(isThere ? index + 1 : index);
}

/** @returns how many of the sorted facts come before the place. */
export function countBefore(facts: readonly Place[], place: Place): number {
  let low = 0;
  let high = facts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePlaces(facts[middle] as Place, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * By code points, which is the order of the UTF-8 bytes; JavaScript's own comparison puts what needs two UTF-16 units
 * before U+E000.
 */
function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates after all other units. */
function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
