import type { ActorType, DecisionContent } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { restoreActor } from "./hosts/host.ts";
import type { LiveActor } from "./hosts/live-actor.ts";
import { FEW_FACTS } from "./hosts/row-anchors.ts";
import { createHotCache } from "./hot-cache.ts";
import type { Journal } from "./journal.ts";
import { ReplayError, rebuildActor } from "./rebuild.ts";
import type { IndexedColumns, StoredActor } from "./rows.ts";

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
  /** The event types it has heard, once they were asked for: where their share is its completeness. */
  heardTypes?: Set<string> | undefined;
  /** See `Hearer`. */
  heard: Uint8Array;
  rowVersion: number;
  events: number;
  revision: number;
  standing: DecisionContent | null;
  readonly firstSeenAtMs: number;
  updatedAtMs: number;
}

/**
 * The actors kept hot: bounded in number and bytes, least recently used leaves first, none that the open batch found, nor
 * that is pinned.
 */
export interface HotActors {
  /** The actor, spawned, restored or as it is in memory. */
  find(lane: Lane, id: string, storedAtMs: number): HotActor;
  /** As {@link HotActors.find}, but from its events, whatever its snapshot says. */
  findAnew(lane: Lane, id: string, storedAtMs: number): HotActor;
  evict(lane: Lane, id: string): void;
  /** Forgets every actor of a lane that went to another owner. */
  evictLane(lane: Lane): void;
  /** Keeps it between batches, until it is unpinned. */
  pin(actor: HotActor): void;
  unpin(actor: HotActor): void;
  /** It is saved, with a snapshot of so many characters. */
  weigh(actor: HotActor, snapshotLength: number): void;
  /** A batch is over: whom it found may leave. */
  closeBatch(): void;
  size(): number;
}

interface Wanted {
  readonly lane: Lane;
  readonly id: string;
  /** Of the message that wants it, ms since the epoch. */
  readonly storedAtMs: number;
  /** False: its snapshot is not. */
  readonly isToBeRead?: boolean;
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

  function load({ lane, id, storedAtMs, isToBeRead = true }: Wanted, row: StoredActor | undefined): HotActor {
    if (row === undefined) return fresh(lane, id, journal.nextActorKey(), storedAtMs);
    const anchors = lane.type.ordering === "merge" || row.events < FEW_FACTS ? null : journal.anchorsOf(row.key);
    const restored = isToBeRead ? restoreActor(lane.type, id, row, anchors) : undefined;
    if (isToBeRead && restored === undefined) onRebuild(lane.type, id);
    return {
      key: row.key,
      id,
      lane,
      live: restored ?? rebuildActor(lane.type, id, journal.eventsOf(row)),
      // Not the row itself: it would keep the text of the snapshot until the batch is saved.
      saved: indexedOf(row),
      completeness: row.completeness,
      rowVersion: row.rowVersion,
      events: row.events,
      revision: row.revision,
      standing: row.standing === null ? null : readStanding(row.standing),
      firstSeenAtMs: row.firstSeenAtMs,
      updatedAtMs: row.updatedAtMs,
      heard: row.heard,
    };
  }

  function find(wanted: Wanted): HotActor {
    const name = cacheKey(wanted.lane, wanted.id);
    const known = cache.get(name);
    if (known !== undefined) return known;
    const row = journal.findActor(wanted.lane.type.name, wanted.id);
    const loaded = load(wanted, row);
    cache.set(name, loaded, bytesOf(row?.snapshot.length ?? 0));
    return loaded;
  }

  return {
    find: (lane, id, storedAtMs) => find({ lane, id, storedAtMs }),
    findAnew(lane, id, storedAtMs) {
      cache.delete(cacheKey(lane, id));
      return find({ lane, id, storedAtMs, isToBeRead: false });
    },
    evict(lane, id) {
      cache.delete(cacheKey(lane, id));
    },
    evictLane(lane) {
      cache.deleteAll((actor) => actor.lane.type === lane.type && actor.lane.partition === lane.partition);
    },
    pin: ({ lane, id }) => cache.pin(cacheKey(lane, id)),
    unpin: ({ lane, id }) => cache.unpin(cacheKey(lane, id)),
    weigh: ({ lane, id }, snapshotLength) => cache.weigh(cacheKey(lane, id), bytesOf(snapshotLength)),
    closeBatch: cache.closeBatch,
    size: cache.size,
  };
}

function indexedOf({ state, decisionType, completeness, due }: StoredActor): IndexedColumns {
  return { state, decisionType, completeness, due };
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
    live: rebuildActor(lane.type, id, []),
    saved: null,
    completeness: 0,
    rowVersion: 0,
    events: 0,
    revision: 0,
    standing: null,
    firstSeenAtMs: storedAtMs,
    updatedAtMs: storedAtMs,
    heard: new Uint8Array(),
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
 * {@link HotActors.find}, with what is wrong with this one actor as a value: it stops that one only. The store's own
 * trouble is thrown and stops everything.
 */
export function findOrFail(find: () => HotActor): HotActor | ReplayError {
  try {
    return find();
  } catch (error) {
    if (error instanceof ReplayError) return error;
    throw error;
  }
}
