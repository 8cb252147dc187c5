import type Database from "better-sqlite3";
import type { LaneRecords } from "../flow/lane-records.ts";
import type { EventRow, ParkedRow, RetiredRow } from "../flow/rows.ts";
import { openToRead } from "./database.ts";
import { createLaneRecords } from "./lanes.ts";
import { createOutboxStreams } from "./outbox-streams.ts";
import { refuseOtherSchema } from "./schema.ts";
import { isKept } from "./staged-actors.ts";
import { StoreError } from "./store-error.ts";
import { createImages, type Images } from "./stored-actor.ts";
import { DECISIONS, EVENT_FIELDS, EVENTS, PARKED, RETIRED } from "./tables.ts";

/** A store opened for reading, to be checked or rebuilt from. */
export interface StoreReader {
  readonly images: Images;
  readonly records: LaneRecords;
  /** The streams it has read. */
  streams(): KnownStream[];
  /**
   * Events that are of before what a stream holds, in the order in which they were heard. What one that a cluster has
   * restored holds is among them, see `care/aged-events.ts`.
   */
  agedEvents(stream: StreamReach): IterableIterator<AgedEvent>;
  /**
   * When the last event was stored that the stream has lost from its end, ms since the epoch; undefined where it has lost none.
   * Restored from an older copy it keeps its date and gives the same sequences again: what was heard of before is not read,
   * or something stored later has its sequence or a lower one.
   */
  lostTo(stream: Omit<StreamReach, "firstSequence"> & { readonly stream: string }): number | undefined;
  /** Of events kept back in quarantine the same; after `agedEvents`. */
  agedParked(stream: StreamReach): IterableIterator<ParkedRow & { readonly partition: number }>;
  /** RFC 3339 of the creation of DECISIONS or DEAD_LETTERS, undefined when it never was there, or the store is older. */
  outboxCreated(stream: string): string | undefined;
  /** Decisions published at a sequence of DECISIONS below `first`, by rising revision. */
  agedDecisions(type: string, first: number): IterableIterator<AgedDecision>;
  /** By which version of its type an actor was saved last; undefined when there is no such actor. */
  savedBy(type: string, actorId: string): number | undefined;
  /** What is left of retired actors. */
  retired(type: string): IterableIterator<RetiredRow>;
  countRetired(type: string): number;
  /** Late events that wait for retired actors. */
  retiredParked(type: string): IterableIterator<ParkedRow>;
  /** Events kept back, in quarantine or until a retired actor is back; also of a stream that was replaced. */
  parked(type: string): Pick<ParkedRow, "sequence" | "storedAtMs">[];
  close(): void;
}

export interface KnownStream {
  readonly name: string;
  readonly type: string;
  readonly created: string;
  readonly partitions: number;
}

/** What a stream still holds. */
export interface StreamReach {
  /** The actor type's name. */
  readonly type: string;
  readonly firstSequence: number;
  /** Ms since the epoch. */
  readonly createdMs: number;
}

export interface AgedEvent extends EventRow {
  readonly actorId: string;
  readonly partition: number;
}

export interface AgedDecision {
  readonly actorId: string;
  readonly partition: number;
  readonly revision: number;
  readonly payload: string;
  readonly sequence: number;
}

/**
 * So far the clocks of two servers may be apart: who leads a stream next may store what follows as of a little before, and
 * nothing is lost. No copy is restored as quickly.
 */
const CLOCKS_APART_MS = 100;

/** @throws StoreError when there is none, or one of another schema. */
export function openReader(file: string): StoreReader {
  // The daemon's own scrub reads by it too, and must not wait.
  const db = openToRead(file, 20);
  if (db === undefined) {
    throw new StoreError(
      `there is no store ${file}: npx natstate start makes one; set NATSTATE_DATA when it is elsewhere.`,
    );
  }
  try {
    refuseOtherSchema(db);
    return createReader(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function createReader(db: Database.Database): StoreReader {
  const selectStreams = db.prepare("SELECT name, type, created, partitions FROM streams ORDER BY name");
  const selectAged = db.prepare(`SELECT ${EVENTS.select(EVENT_FIELDS, "e")}, a.id AS actorId, a.partition
    FROM events e CROSS JOIN actors a ON a.key = e.actor_key
    WHERE a.type = :type AND (e.sequence < :firstSequence OR e.stored_ms < :createdMs) AND ${isKept("a.key")}
    ORDER BY e.stored_ms >= :createdMs, iif(e.stored_ms < :createdMs, e.stored_ms, 0), e.sequence`);
  const selectLostTo = db
    .prepare(`SELECT max(stored_ms) FROM (
      SELECT e.sequence, e.stored_ms, c.sequence AS checkpoint, min(e.sequence) OVER (
        ORDER BY e.stored_ms DESC RANGE BETWEEN UNBOUNDED PRECEDING AND ${CLOCKS_APART_MS} PRECEDING) AS later
      FROM events e CROSS JOIN actors a ON a.key = e.actor_key
      JOIN checkpoints c ON c.stream = :stream AND c.partition = a.partition
      WHERE a.type = :type AND e.stored_ms >= :createdMs AND ${isKept("a.key")})
    WHERE sequence > checkpoint OR sequence >= later`)
    .pluck();
  const selectAgedDecisions =
    db.prepare(`SELECT ${DECISIONS.select(["actorId", "partition", "revision", "payload"])}, published AS sequence
    FROM decisions WHERE type = ? AND published < ? AND ${isKept("actor_key")} ORDER BY actor_key, revision`);
  const selectVersion = db.prepare("SELECT machine_version FROM actors WHERE type = ? AND id = ?").pluck();
  const selectParked = db.prepare(`SELECT ${PARKED.select(["sequence", "storedAtMs"])} FROM parked WHERE type = ?`);
  const selectAgedParked = db.prepare(`SELECT ${PARKED.select(undefined, "p")}, q.partition
    FROM parked p JOIN quarantine q USING (type, actor_id)
    WHERE p.type = :type AND (p.sequence < :firstSequence OR p.stored_ms < :createdMs)
    ORDER BY p.stored_ms, p.sequence`);
  const selectRetired = db.prepare(`SELECT ${RETIRED.select()} FROM retired WHERE type = ?`);
  const countRetired = db.prepare("SELECT count(*) FROM retired WHERE type = ?").pluck();
  const selectRetiredParked = db.prepare(`SELECT ${PARKED.select(undefined, "p")}
    FROM parked p JOIN retired r USING (type, actor_id)
    WHERE p.type = ?`);
  const outboxStreams = createOutboxStreams(db);
  return {
    images: createImages(db),
    records: createLaneRecords(db),
    streams: () => selectStreams.all() as KnownStream[],
    agedEvents: (reach) => selectAged.iterate(reach) as IterableIterator<AgedEvent>,
    lostTo: (stream) => (selectLostTo.get(stream) as number | null) ?? undefined,
    agedParked: (reach) => selectAgedParked.iterate(reach) as ReturnType<StoreReader["agedParked"]>,
    outboxCreated: (stream) => outboxStreams.find(stream)?.created,
    agedDecisions: (type, first) => selectAgedDecisions.iterate(type, first) as IterableIterator<AgedDecision>,
    savedBy: (type, actorId) => selectVersion.get(type, actorId) as number | undefined,
    retired: (type) => selectRetired.iterate(type) as IterableIterator<RetiredRow>,
    countRetired: (type) => countRetired.get(type) as number,
    retiredParked: (type) => selectRetiredParked.iterate(type) as IterableIterator<ParkedRow>,
    parked: (type) => selectParked.all(type) as ReturnType<StoreReader["parked"]>,
    close: () => void db.close(),
  };
}
