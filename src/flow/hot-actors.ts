import type { ActorType, DecisionContent } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { type LiveActor, restoreActor, spawnActor } from "../actor/interpreter.ts";
import type { Lane } from "../wire/lanes.ts";
import { decodeStored } from "./decode.ts";
import { createHotCache } from "./hot-cache.ts";
import type { Journal } from "./journal.ts";
import { atOnce, type Pieces } from "./pieces.ts";
import type { EventRow, IndexedColumns, StoredActor } from "./rows.ts";

/** An actor in memory together with what its row knows about it. */
export interface HotActor {
  readonly key: number;
  readonly id: string;
  readonly lane: Lane;
  readonly live: LiveActor;
  /** What its row says, null while it has none. */
  saved: IndexedColumns | null;
  /** After its latest event, 0 to 100. */
  completeness: number;
  rowVersion: number;
  events: number;
  revision: number;
  standing: DecisionContent | null;
  readonly firstSeenAtMs: number;
  updatedAtMs: number;
}

/** The actors kept hot: bounded in number and bytes, least recently used leaves first, none that the open batch found. */
export interface HotActors {
  /** The actor, spawned, restored or as it is in memory. */
  find(lane: Lane, id: string, storedAtMs: number): HotActor;
  evict(lane: Lane, id: string): void;
  /** Forgets every actor of a lane that went to another owner. */
  evictLane(lane: Lane): void;
  /** It is saved, with a snapshot of so many characters. */
  weigh(actor: HotActor, snapshotLength: number): void;
  /** A batch is over: whom it found may leave. */
  closeBatch(): void;
  size(): number;
}

/** An actor without what it knows. */
const EMPTY_BYTES = 4096;
/** Of memory for one character of its snapshot: 12 for a thousand short names with numbers, 3 where the names are long. */
const BYTES_A_CHARACTER = 12;

/**
 * @param capacity - actors kept in memory.
 * @param onRebuild - told when a stored snapshot was unusable and the actor was rebuilt from its events.
 */
export function createHotActors(
  journal: Journal,
  capacity: number,
  onRebuild: (type: ActorType, id: string) => void,
  maxBytes = 268_435_456,
): HotActors {
  // An evicted actor is simply dropped: machines have no timers, children or subscriptions to stop.
  const cache = createHotCache<HotActor>({ maxActors: capacity, maxBytes });

  function load(lane: Lane, id: string, storedAtMs: number, row: StoredActor | undefined): HotActor {
    if (row === undefined) return fresh(lane, id, journal.nextActorKey(), storedAtMs);
    const restored = restoreActor(lane.type, row);
    if (restored === undefined) onRebuild(lane.type, id);
    return {
      key: row.key,
      id,
      lane,
      live: restored ?? rebuildActor(lane.type, journal.eventsOf(row.key)),
      saved: row,
      completeness: row.completeness,
      rowVersion: row.rowVersion,
      events: row.events,
      revision: row.revision,
      standing: row.standing === null ? null : readStanding(row.standing),
      firstSeenAtMs: row.firstSeenAtMs,
      updatedAtMs: row.updatedAtMs,
    };
  }

  return {
    find(lane, id, storedAtMs) {
      const name = cacheKey(lane, id);
      const known = cache.get(name);
      if (known !== undefined) return known;
      const row = journal.findActor(lane.type.name, id);
      const loaded = load(lane, id, storedAtMs, row);
      cache.set(name, loaded, bytesOf(row?.snapshot.length ?? 0));
      return loaded;
    },
    evict(lane, id) {
      cache.delete(cacheKey(lane, id));
    },
    evictLane(lane) {
      cache.deleteAll((actor) => actor.lane.type === lane.type && actor.lane.partition === lane.partition);
    },
    weigh: ({ lane, id }, snapshotLength) => cache.weigh(cacheKey(lane, id), bytesOf(snapshotLength)),
    closeBatch: cache.closeBatch,
    size: cache.size,
  };
}

function cacheKey(lane: Lane, id: string): string {
  return `${lane.type.name}/${id}`;
}

function bytesOf(snapshotLength: number): number {
  return EMPTY_BYTES + BYTES_A_CHARACTER * snapshotLength;
}

function fresh(lane: Lane, id: string, key: number, storedAtMs: number): HotActor {
  return {
    key,
    id,
    lane,
    live: rebuildActor(lane.type, []),
    saved: null,
    completeness: 0,
    rowVersion: 0,
    events: 0,
    revision: 0,
    standing: null,
    firstSeenAtMs: storedAtMs,
    updatedAtMs: storedAtMs,
  };
}

function readStanding(json: string): DecisionContent {
  try {
    return JSON.parse(json) as DecisionContent;
  } catch (cause) {
    throw new ReplayError("its standing decision is damaged", { cause });
  }
}

/**
 * An actor cannot be made from what is stored of it: a bug in the machine's or the contract's new version, or damage.
 */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/**
 * Replays an actor whose stored snapshot is unusable.
 *
 * @param events - its whole history, in stream order.
 * @throws ReplayError when an event that was once applied no longer can be, or the machine does not even start.
 */
export function rebuildActor(type: ActorType, events: Iterable<EventRow>): LiveActor {
  return atOnce(rebuildInPieces(type, events));
}

/** As {@link rebuildActor}, one event a piece. */
export function* rebuildInPieces(type: ActorType, events: Iterable<EventRow>): Pieces<LiveActor> {
  const live = startAnew(type);
  for (const { type: eventType, eventId, timestamp, body } of events) {
    try {
      const effect = live.send({ type: eventType, eventId, timestamp, data: decodeStored(type, eventType, body) });
      if (effect.kind === "error") throw effect.error;
    } catch (cause) {
      throw new ReplayError(`stored event ${eventId} cannot be replayed: ${asError(cause).message}`, { cause });
    }
    yield;
  }
  return live;
}

function startAnew(type: ActorType): LiveActor {
  try {
    return spawnActor(type);
  } catch (cause) {
    throw new ReplayError(asError(cause).message, { cause });
  }
}

/**
 * {@link HotActors.find}, with what is wrong with this one actor as a value: it stops that one only. The store's own
 * trouble is thrown and stops everything.
 */
export function findOrFail(actors: HotActors, lane: Lane, actorId: string, storedAtMs: number): HotActor | ReplayError {
  try {
    return actors.find(lane, actorId, storedAtMs);
  } catch (error) {
    if (error instanceof ReplayError) return error;
    throw error;
  }
}
