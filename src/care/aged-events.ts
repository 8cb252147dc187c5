import type { Delivery, StoredMessage } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import { unpark } from "../flow/parked.ts";
import type { StreamIdentity } from "../jetstream/stream-identity.ts";
import { type Log, readStream } from "../jetstream/stream-reader.ts";
import type { StoreReader, StreamReach } from "../store/reader.ts";
import type { ImageEvent } from "../store/stored-actor.ts";
import type { Lane } from "../wire/lanes.ts";

/*
 * Events that only a store has any more: they have aged out of their stream, or are of one that it replaced.
 */

/** When a stream stored what it holds of before its own creation, ms since the epoch by sequence: a cluster restored it. */
export type Restored = ReadonlyMap<number, number>;

/**
 * @param isHeard - false: it is left to the store, which has not read the stream so far.
 * @returns nothing, after one look, of a stream that was made where it is.
 */
export async function readRestored(
  log: Log,
  { name, created }: Pick<StreamIdentity, "name" | "created">,
  isHeard: (message: StoredMessage) => boolean = () => true,
): Promise<Restored> {
  const createdMs = Date.parse(created);
  const restored = new Map<number, number>();
  for await (const messages of readStream(log, name)) {
    for (const message of messages) {
      if (message.storedAtMs < createdMs && isHeard(message)) restored.set(message.sequence, message.storedAtMs);
    }
    if ((messages.at(-1)?.storedAtMs ?? createdMs) >= createdMs) break;
  }
  return restored;
}

/** Of one type. */
export interface Aged {
  readonly reader: StoreReader;
  readonly lanes: readonly Lane[];
  readonly reach: StreamReach;
  /**
   * Held against what the store has; an actor's up to the last one that the stream lacks count as aged, so that it hears
   * them in their order.
   */
  readonly restored: Restored;
}

/** All of a type, in the order in which they were heard. */
export function agedEvents(aged: Aged): Generator<Delivery> {
  return eventsOf(
    aged,
    lacking(aged, () => [aged.reader.agedEvents(aged.reach)]),
  );
}

/** And behind them those that are kept back in quarantine. */
export function* agedAndParked(aged: Aged): Generator<Delivery> {
  const { reader, lanes, reach, restored } = aged;
  const lacked = lacking(aged, () => [reader.agedEvents(reach), reader.agedParked(reach)]);
  yield* eventsOf(aged, lacked);
  for (const row of reader.agedParked(reach)) {
    const lane = isToldByStream(row, restored, lacked) ? undefined : laneOf(lanes, row);
    if (lane !== undefined) yield unpark(lane, row);
  }
}

function* eventsOf({ reader, lanes, reach, restored }: Aged, lacked: Lacking): Generator<Delivery> {
  for (const event of reader.agedEvents(reach)) {
    const lane = isToldByStream(event, restored, lacked) ? undefined : laneOf(lanes, event);
    if (lane !== undefined) yield storedDelivery(lane, event.actorId, event);
  }
}

type Stored = Pick<Delivery, "sequence" | "storedAtMs">;
type StoredOf = Stored & { readonly actorId: string };

/** By actor the last one that a restored stream has not. */
type Lacking = ReadonlyMap<string, Stored>;

/** @param known - each in the order in which they were heard; not asked where nothing is restored. */
function lacking({ restored }: Aged, known: () => readonly Iterable<StoredOf>[]): Lacking {
  const lacked = new Map<string, Stored>();
  for (const rows of restored.size === 0 ? [] : known()) {
    for (const { actorId, sequence, storedAtMs } of rows) {
      const [one, last] = [{ sequence, storedAtMs }, lacked.get(actorId)];
      if (!isHeld(restored, one) && (last === undefined || isBefore(last, one))) lacked.set(actorId, one);
    }
  }
  return lacked;
}

function isToldByStream(one: StoredOf, restored: Restored, lacked: Lacking): boolean {
  const last = lacked.get(one.actorId);
  return isHeld(restored, one) && (last === undefined || isBefore(last, one));
}

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
