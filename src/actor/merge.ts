import { compareTimestamps } from "./event-time.ts";

/** A part of an actor that exactly one event type fills, with the event that filled it. Every event is one, too. */
export interface Facet<Data> {
  readonly eventId: string;
  /** Event time, RFC 3339. */
  readonly timestamp: string;
  readonly data: Data;
}

/**
 * Merges an observation into the facet it fills, by event time (not arrival).
 *
 * @returns the newer of the two; equal times go to the greater event id, so that every arrival order agrees.
 */
export function newest<Data>(known: Facet<Data> | undefined, seen: Facet<Data>): Facet<Data> {
  return known !== undefined && beats(known, seen, 1) ? known : facet(seen);
}

/**
 * Merges an observation of something that happens once: the earliest report of it is the true one.
 *
 * @returns the older of the two; equal times go to the greater event id.
 */
export function earliest<Data>(known: Facet<Data> | undefined, seen: Facet<Data>): Facet<Data> {
  return known !== undefined && beats(known, seen, -1) ? known : facet(seen);
}

function beats(known: Facet<unknown>, seen: Facet<unknown>, direction: 1 | -1): boolean {
  const order = compareTimestamps(known.timestamp, seen.timestamp) * direction;
  return order === 0 ? known.eventId >= seen.eventId : order > 0;
}

function facet<Data>({ eventId, timestamp, data }: Facet<Data>): Facet<Data> {
  return { eventId, timestamp, data };
}
