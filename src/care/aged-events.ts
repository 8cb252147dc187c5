import type { Delivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import { unpark } from "../flow/parked.ts";
import type { StreamIdentity } from "../jetstream/stream-identity.ts";
import { type Log, readStream } from "../jetstream/stream-reader.ts";
import type { AgedEvent, StoreReader, StreamReach } from "../store/reader.ts";
import type { ImageEvent } from "../store/stored-actor.ts";
import type { Lane } from "../wire/lanes.ts";

/*
 * Events that only a store has any more: they have aged out of their stream, or are of one that it replaced.
 */

/** When a stream stored what it holds of before its own creation, ms since the epoch by sequence: a cluster restored it. */
export type Restored = ReadonlyMap<number, number>;

/** @returns nothing, after one look, of a stream that was made where it is. */
export async function readRestored(log: Log, { name, created }: StreamIdentity): Promise<Restored> {
  const createdMs = Date.parse(created);
  const restored = new Map<number, number>();
  for await (const messages of readStream(log, name)) {
    for (const { sequence, storedAtMs } of messages) if (storedAtMs < createdMs) restored.set(sequence, storedAtMs);
    if ((messages.at(-1)?.storedAtMs ?? createdMs) >= createdMs) break;
  }
  return restored;
}

/**
 * All of a type, in the order in which they were heard.
 *
 * @param restored - is held against what a store has; an actor's up to the last one that the stream lacks count as aged, so
 *   that it hears them in their order.
 */
export function* agedEvents(
  reader: StoreReader,
  lanes: readonly Lane[],
  reach: StreamReach,
  restored: Restored,
): Generator<Delivery> {
  const lacking = new Map<string, AgedEvent>();
  for (const event of restored.size === 0 ? [] : reader.agedEvents(reach)) {
    if (!isHeld(restored, event)) lacking.set(event.actorId, event);
  }
  for (const event of reader.agedEvents(reach)) {
    const last = lacking.get(event.actorId);
    if (isHeld(restored, event) && (last === undefined || isBefore(last, event))) continue;
    const lane = laneOf(lanes, event);
    if (lane !== undefined) yield storedDelivery(lane, event.actorId, event);
  }
}

/** Those of a type that are kept back in quarantine; to be given after {@link agedEvents}. */
export function* agedParked(
  reader: StoreReader,
  lanes: readonly Lane[],
  reach: StreamReach,
  restored: Restored,
): Generator<Delivery> {
  for (const row of reader.agedParked(reach)) {
    const lane = isHeld(restored, row) ? undefined : laneOf(lanes, row);
    if (lane !== undefined) yield unpark(lane, row);
  }
}

type Stored = Pick<Delivery, "sequence" | "storedAtMs">;

function isHeld(restored: Restored, { sequence, storedAtMs }: Stored): boolean {
  return restored.get(sequence) === storedAtMs;
}

/** Of one stream or the ones it replaced: was the first stored before the second? */
function isBefore(first: Stored, second: Stored): boolean {
  return (
    first.storedAtMs < second.storedAtMs || (first.storedAtMs === second.storedAtMs && first.sequence < second.sequence)
  );
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
