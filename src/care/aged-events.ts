import type { Delivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import { unpark } from "../flow/parked.ts";
import type { StoreReader, StreamReach } from "../store/reader.ts";
import type { ImageEvent } from "../store/stored-actor.ts";
import type { Lane } from "../wire/lanes.ts";

/*
 * Events that only a store has any more: they have aged out of their stream, or are of one that it replaced.
 */

/** All of a type, in the order in which they were heard. */
export function* agedEvents(reader: StoreReader, lanes: readonly Lane[], reach: StreamReach): Generator<Delivery> {
  for (const event of reader.agedEvents(reach)) {
    const lane = laneOf(lanes, event);
    if (lane !== undefined) yield storedDelivery(lane, event.actorId, event);
  }
}

/** Those of a type that are kept back in quarantine; to be given after {@link agedEvents}. */
export function* agedParked(reader: StoreReader, lanes: readonly Lane[], reach: StreamReach): Generator<Delivery> {
  for (const row of reader.agedParked(reach)) {
    const lane = laneOf(lanes, row);
    if (lane !== undefined) yield unpark(lane, row);
  }
}

/** Where an actor's events are now; where they were when nobody can say. */
function laneOf(lanes: readonly Lane[], known: { readonly actorId: string; readonly partition: number }) {
  return lanes.find(({ holds }) => holds?.(known.actorId)) ?? lanes[known.partition];
}

/**
 * Of one actor's history, in the order in which it was heard.
 *
 * @param held - what the stream gave of the actor, before it was looked at how far the stream reaches.
 */
export function agedOf(
  events: readonly ImageEvent[],
  held: readonly Delivery[],
  { firstSequence, createdMs }: Omit<StreamReach, "type">,
): ImageEvent[] {
  const stored = new Map(held.map(({ sequence, storedAtMs }) => [sequence, storedAtMs]));
  const before = events.filter(({ storedAtMs }) => storedAtMs < createdMs);
  before.sort((a, b) => a.storedAtMs - b.storedAtMs || a.sequence - b.sequence);
  // A stream that a cluster has restored holds what was stored before it was created: behind all that it lacks, that counts.
  const ofFormer = before.findLastIndex(({ sequence, storedAtMs }) => stored.get(sequence) !== storedAtMs) + 1;
  const older = events.filter(
    ({ storedAtMs, sequence }) => storedAtMs >= createdMs && sequence < firstSequence && !stored.has(sequence),
  );
  return [...before.slice(0, ofFormer), ...older];
}
