import type Database from "better-sqlite3";
import type { Pieces } from "../flow/pieces.ts";
import type { EventRow, PublishedDecision, StoredActor } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { createRejectionQuery, type Rejection } from "./dead-letter-rows.ts";
import { createHeardEvents } from "./heard-events.ts";
import { isKept } from "./staged-actors.ts";
import { ACTORS, DECISIONS, EVENT_FIELDS, EVENTS, LEARNT, PARKED } from "./tables.ts";

/** All the store knows of one actor, at one moment. */
export interface ActorImage extends LanePosition {
  readonly row: StoredActor | null;
  /** In the order in which they were applied: a stream made anew counts from 1 again. */
  readonly events: readonly ImageEvent[];
  /** By revision. */
  readonly ledger: readonly ImageDecision[];
  /** Decisions the stream holds that were not derived, by revision. */
  readonly imported: readonly PublishedDecision[];
  /** Events kept back while the actor is quarantined. */
  readonly parked: readonly ParkedMessage[];
  /** Then there is neither a row nor events nor a ledger. */
  readonly isRetired: boolean;
}

/** Which message: sequences begin again with a stream made anew. */
export interface ParkedMessage {
  readonly sequence: number;
  readonly storedAtMs: number;
}

/** How far a lane has come. */
export interface LanePosition {
  /** Highest stream sequence whose effects are in the store. */
  readonly checkpoint: number;
  /** What the lane published up to this sequence of DECISIONS is known in the store. */
  readonly decisionsKnownTo: number;
}

/** One distinct event. How often it was heard again is left out: reading a stream anew counts that anew. */
export interface ImageEvent extends EventRow {
  readonly outcome: string;
}

export interface ImageDecision {
  readonly revision: number;
  readonly payload: string;
  /** In DECISIONS, null until then. */
  readonly published: number | null;
}

/** Reads whole actors. */
export interface Images {
  /** Never undefined: of an actor that is not there the image is empty. Its events and ledger are read row by row. */
  find(lane: Lane, actorId: string): Pieces<ActorImage>;
  lane(lane: Lane): LanePosition;
  /** The next ids of a type's actors after `after`, by id. */
  idsAfter(type: string, after: string, limit: number): string[];
  /** One actor at random, undefined when there is none. */
  random(type: string): string | undefined;
  count(type: string): number;
  /** Why a message was rejected, undefined when it was not. */
  rejection(stream: string, sequence: number): string | undefined;
  /** What was rejected of a stream, by sequence. */
  rejections(stream: string): IterableIterator<Rejection>;
}

/** @param db - a connection of its own when another one writes the store. */
export function createImages(db: Database.Database): Images {
  const selectLane = db.prepare(`SELECT sequence AS checkpoint, decisions_sequence AS decisionsKnownTo
    FROM checkpoints WHERE stream = ? AND partition = ?`);
  const selectActor = db.prepare(
    `SELECT ${ACTORS.select()} FROM actors WHERE type = ? AND id = ? AND ${isKept("key")}`,
  );
  const selectEvent = db.prepare(`SELECT ${EVENTS.select([...EVENT_FIELDS, "outcome"])} FROM events
    WHERE place = ? AND actor_key = ?`);
  const heard = createHeardEvents(db);
  const selectDecision = db.prepare(
    `SELECT ${DECISIONS.select(["revision", "payload", "published"])} FROM decisions WHERE actor_key = ? AND revision = ?`,
  );
  const selectRevisions = db.prepare("SELECT revision FROM decisions WHERE actor_key = ? ORDER BY revision").pluck();
  const selectImported =
    db.prepare(`SELECT ${LEARNT.select(["revision", "payload", "sequence"])} FROM imported_decisions
    WHERE type = ? AND actor_id = ? ORDER BY revision`);
  const selectParked = db.prepare(
    `SELECT ${PARKED.select(["sequence", "storedAtMs"])} FROM parked WHERE type = ? AND actor_id = ?`,
  );
  const selectRetired = db.prepare("SELECT 1 FROM retired WHERE type = ? AND actor_id = ?").pluck();
  const selectIds = db
    .prepare(`SELECT id FROM actors WHERE type = ? AND id > ? AND ${isKept("key")} ORDER BY id LIMIT ?`)
    .pluck();
  const selectCount = db.prepare(`SELECT count(*) FROM actors WHERE type = ? AND ${isKept("key")}`).pluck();
  const selectReason = db
    .prepare("SELECT reason FROM dead_letters WHERE stream = ? AND sequence = ? AND former = 0")
    .pluck();

  function position(lane: Lane): LanePosition {
    const known = selectLane.get(lane.stream, lane.partition) as LanePosition | undefined;
    return known ?? { checkpoint: 0, decisionsKnownTo: 0 };
  }

  // A transaction, so that everything is of the same moment: rows once written stay as they are.
  const look = db.transaction((lane: Lane, actorId: string) => {
    const type = lane.type.name;
    const row = (selectActor.get(type, actorId) as StoredActor | undefined) ?? null;
    return {
      row,
      places: row === null ? [] : heard.places(row),
      revisions: row === null ? [] : (selectRevisions.all(row.key) as number[]),
      imported: selectImported.all(type, actorId) as PublishedDecision[],
      parked: selectParked.all(type, actorId) as ParkedMessage[],
      isRetired: selectRetired.get(type, actorId) !== undefined,
      ...position(lane),
    };
  });

  return {
    lane: position,
    *find(lane, actorId) {
      const { places, revisions, ...found } = look(lane, actorId);
      const events: ImageEvent[] = [];
      const ledger: ImageDecision[] = [];
      for (const place of places) {
        const event = selectEvent.get(place, found.row?.key) as ImageEvent | undefined;
        if (event !== undefined) events.push(event);
        yield;
      }
      for (const revision of revisions) {
        const decision = selectDecision.get(found.row?.key, revision) as ImageDecision | undefined;
        if (decision !== undefined) ledger.push(decision);
        yield;
      }
      return { ...found, events, ledger };
    },
    idsAfter: (type, after, limit) => selectIds.all(type, after, limit) as string[],
    random: createRandomLook(db),
    count: (type) => selectCount.get(type) as number,
    rejections: createRejectionQuery(db),
    rejection: (stream, sequence) => selectReason.get(stream, sequence) as string | undefined,
  };
}

/** Looked through for one of a type before all of it are. */
const NEAR_KEYS = 1000;

function createRandomLook(db: Database.Database): Images["random"] {
  const selectHighestKey = db.prepare("SELECT coalesce(max(key), 0) FROM actors").pluck();
  // By an index SQLite would sort all actors of the type: 14 ms with 100,000, in which no event is applied.
  const selectNear = db
    .prepare(
      `SELECT id FROM actors NOT INDEXED WHERE key BETWEEN :from AND :from + ${NEAR_KEYS} AND type = :type LIMIT 1`,
    )
    .pluck();
  const selectFrom = db.prepare("SELECT id FROM actors WHERE type = ? AND key >= ? ORDER BY key LIMIT 1").pluck();
  return (type) => {
    const from = 1 + Math.floor(Math.random() * (selectHighestKey.get() as number));
    const found = selectNear.get({ type, from }) ?? selectFrom.get(type, from) ?? selectFrom.get(type, 0);
    return found as string | undefined;
  };
}
