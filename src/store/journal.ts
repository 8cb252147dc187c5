import { isDeepStrictEqual } from "node:util";
import type Database from "better-sqlite3";
import { withoutSource } from "../flow/cloud-event.ts";
import type { Journal } from "../flow/journal.ts";
import type {
  DeadLetterRow,
  EventRow,
  IndexedColumns,
  LearntDecision,
  LedgerRow,
  ParkedRow,
  StoredActor,
} from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { awaitWriter } from "./database.ts";
import { createRetiredRows } from "./retired.ts";
import { asHeld, StoreError } from "./store-error.ts";

const ACTOR_COLUMNS = `key, type, id, partition, row_version AS rowVersion, machine_version AS machineVersion, state,
  completeness, events, revision, decision_type AS decisionType, standing, first_seen_ms AS firstSeenAtMs,
  updated_ms AS updatedAtMs, checksum, snapshot`;

/** The write side of the store: each method one statement, all of them prepared once. */
export function createJournal(db: Database.Database): Journal {
  const begin = db.transaction((work: () => unknown) => work());
  let nextKey = (db.prepare("SELECT coalesce(max(key), 0) AS key FROM actors").get() as { key: number }).key;
  const retired = createRetiredRows(db);
  // Looked up once a transaction: these tables are nearly always empty, and then cost nothing per event.
  let mayHaveImports = true;
  let mayHaveQuarantine = true;
  let mayHaveRetired = true;
  /** By another program, when it was last tried to write. */
  let isHeld = false;

  const selectCheckpoint = db.prepare("SELECT sequence FROM checkpoints WHERE stream = ? AND partition = ?").pluck();
  const upsertCheckpoint = db.prepare(`INSERT INTO checkpoints (stream, partition, sequence) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET sequence = excluded.sequence`);
  const selectActor = db.prepare(`SELECT ${ACTOR_COLUMNS} FROM actors WHERE type = ? AND id = ?`);
  const insertActor = db.prepare(`INSERT INTO actors (key, type, id, partition, row_version, machine_version, state,
    completeness, incomplete, events, revision, decision_type, standing, first_seen_ms, updated_ms, checksum, snapshot)
    VALUES (:key, :type, :id, :partition, 1, :machineVersion, :state, :completeness, :completeness < 100, :events,
    :revision, :decisionType, :standing, :firstSeenAtMs, :updatedAtMs, :checksum, :snapshot)`);
  const updateActor = prepareActorUpdates(db);
  const selectEvents = db.prepare(`SELECT actor_key AS actorKey, event_id AS eventId, type, timestamp,
    stored_ms AS storedAtMs, sequence, correlation_id AS correlationId, body FROM events WHERE actor_key = ?
    ORDER BY rowid`);
  const insertEvent = db.prepare(`INSERT OR IGNORE INTO events (actor_key, event_id, type, timestamp, stored_ms,
    sequence, outcome, correlation_id, body) VALUES (?, ?, ?, ?, ?, ?, 'applied', ?, ?)`);
  const ofEvent = "WHERE actor_key = ? AND type = ? AND event_id = ?";
  const selectContent = db.prepare(`SELECT timestamp, body, sequence, stored_ms AS storedAtMs FROM events ${ofEvent}`);
  const countDuplicate = db.prepare(`UPDATE events SET duplicates = duplicates + 1 ${ofEvent}`);
  const countConflict = db.prepare(`UPDATE events SET conflicts = conflicts + 1 ${ofEvent}`);
  const updateOutcome = db.prepare(`UPDATE events SET outcome = 'superseded' ${ofEvent}`);
  const deleteEvent = db.prepare(`DELETE FROM events ${ofEvent}`);
  const insertDecision = db.prepare(`INSERT INTO decisions (actor_key, revision, type, actor_id, partition,
    decision_type, payload, traceparent, caused_ms, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const anyImported = db.prepare("SELECT 1 FROM imported_decisions LIMIT 1").pluck();
  const selectImported = db.prepare(`SELECT revision, payload, sequence, past_to AS pastTo FROM imported_decisions
    WHERE type = ? AND actor_id = ? ORDER BY revision`);
  const insertImported = db.prepare(`INSERT OR REPLACE INTO imported_decisions (type, actor_id, revision, partition,
    sequence, payload, past_to) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const deleteImported = db.prepare("DELETE FROM imported_decisions WHERE type = ? AND actor_id = ? AND revision = ?");
  // What DEAD_LETTERS says of this sequence may be another one's word: only the same bytes are the same dead letter.
  const insertDeadLetter = db.prepare(`INSERT INTO dead_letters (stream, sequence, type, partition, reason,
    error, subject, stored_ms, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET type = excluded.type, partition = excluded.partition, reason = excluded.reason,
    error = excluded.error, subject = excluded.subject, stored_ms = excluded.stored_ms, headers = excluded.headers,
    body = excluded.body, published = NULL WHERE subject <> excluded.subject OR body <> excluded.body`);
  const anyQuarantined = db.prepare("SELECT 1 FROM quarantine LIMIT 1").pluck();
  const selectQuarantined = db.prepare("SELECT 1 FROM quarantine WHERE type = ? AND actor_id = ?").pluck();
  const insertQuarantine = db.prepare(`INSERT INTO quarantine (type, actor_id, partition, event_type, error, since_ms)
    VALUES (?, ?, ?, ?, ?, ?)`);
  const deleteQuarantine = db.prepare("DELETE FROM quarantine WHERE type = ? AND actor_id = ?");
  const insertParked = db.prepare(`INSERT OR IGNORE INTO parked (type, actor_id, sequence, subject, stored_ms, headers,
    body) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const selectParked =
    db.prepare(`SELECT type, actor_id AS actorId, sequence, subject, stored_ms AS storedAtMs, headers,
    body FROM parked WHERE type = ? AND actor_id = ? ORDER BY stored_ms, sequence`);
  const deleteParked = db.prepare("DELETE FROM parked WHERE type = ? AND actor_id = ?");
  const anyRetired = db.prepare("SELECT 1 FROM retired LIMIT 1").pluck();
  const upsertTally = db.prepare(`INSERT INTO tallies (type, partition, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = value + excluded.value`);

  function writeDecision(row: LedgerRow, published: number | null): void {
    const { actorKey, revision, type, actorId, partition, decisionType, payload, traceparent, causedAtMs } = row;
    insertDecision.run(
      actorKey,
      revision,
      type,
      actorId,
      partition,
      decisionType,
      payload,
      traceparent,
      causedAtMs,
      published,
    );
  }

  const findContent = (actorKey: number, type: string, eventId: string) =>
    selectContent.get(actorKey, type, eventId) as FirstHeard | undefined;

  /** @param eventId - by which the first is stored. */
  function countAgain(first: FirstHeard, row: EventRow, eventId: string): "duplicate" | "conflict" | "again" {
    if (first.sequence === row.sequence && first.storedAtMs === row.storedAtMs) return "again";
    const isSame = hasSameContent(first, row);
    (isSame ? countDuplicate : countConflict).run(row.actorKey, row.type, eventId);
    return isSame ? "duplicate" : "conflict";
  }

  return {
    transaction<Result>(work: () => Result): Result {
      mayHaveImports = anyImported.get() !== undefined;
      mayHaveQuarantine = anyQuarantined.get() !== undefined;
      mayHaveRetired = anyRetired.get() !== undefined;
      try {
        const result = begin.immediate(work) as Result;
        if (isHeld) awaitWriter(db, true);
        isHeld = false;
        return result;
      } catch (error) {
        const held = asHeld(error, db.name);
        if (held === undefined) throw error;
        // Once is enough: the next attempts say at once how it is.
        if (!isHeld) awaitWriter(db, false);
        isHeld = true;
        throw held;
      }
    },
    checkpoint: (lane) => (selectCheckpoint.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    saveCheckpoint: (lane, sequence) => void upsertCheckpoint.run(lane.stream, lane.partition, sequence),
    nextActorKey: () => ++nextKey,
    findActor: (type, id) => selectActor.get(type, id) as StoredActor | undefined,
    eventsOf: (actorKey) => selectEvents.all(actorKey) as EventRow[],
    recordEvent(row) {
      const { actorKey, eventId, type, timestamp, storedAtMs, sequence, correlationId, body } = row;
      // In earlier versions a CloudEvent was known by its id alone.
      const earlier = eventId.includes("#") ? findContent(actorKey, type, withoutSource(eventId)) : undefined;
      if (earlier !== undefined && hasSameContent(earlier, row))
        return countAgain(earlier, row, withoutSource(eventId));
      const { changes } = insertEvent.run(
        actorKey,
        eventId,
        type,
        timestamp,
        storedAtMs,
        sequence,
        correlationId,
        body,
      );
      if (changes === 1) return "new";
      return countAgain(findContent(actorKey, type, eventId) as FirstHeard, row, eventId);
    },
    markSuperseded: (actorKey, { type, eventId }) => void updateOutcome.run(actorKey, type, eventId),
    forgetEvent: (actorKey, { type, eventId }) => void deleteEvent.run(actorKey, type, eventId),
    saveActor(row, before) {
      if (before === null) {
        insertActor.run(row);
        return;
      }
      const { changes } = updateActor(row, before);
      if (changes !== 1) throw new StoreError(`${row.type} ${row.id} was changed by another process on this store`);
    },
    recordDecision: (row) => writeDecision(row, null),
    learntDecisions(type, actorId) {
      return mayHaveImports ? (selectImported.all(type, actorId) as LearntDecision[]) : [];
    },
    adoptDecision(row, publishedSequence) {
      writeDecision(row, publishedSequence);
      deleteImported.run(row.type, row.actorId, row.revision);
    },
    recordDeadLetter(row: DeadLetterRow) {
      const { stream, sequence, type, partition, reason, error, subject, storedAtMs, headers, body } = row;
      return (
        insertDeadLetter.run(stream, sequence, type, partition, reason, error, subject, storedAtMs, headers, body)
          .changes === 1
      );
    },
    isQuarantined: (type, actorId) => mayHaveQuarantine && selectQuarantined.get(type, actorId) !== undefined,
    quarantine({ type, actorId, partition, eventType, error, sinceMs }) {
      mayHaveQuarantine = true;
      insertQuarantine.run(type, actorId, partition, eventType, error, sinceMs);
    },
    park: ({ type, actorId, sequence, subject, storedAtMs, headers, body }) =>
      void insertParked.run(type, actorId, sequence, subject, storedAtMs, headers, body),
    takeParked(type, actorId) {
      const parked = selectParked.all(type, actorId) as ParkedRow[];
      deleteParked.run(type, actorId);
      return parked;
    },
    endQuarantine: (type, actorId) => void deleteQuarantine.run(type, actorId),
    findRetired: (type, actorId) => (mayHaveRetired ? retired.find(type, actorId) : undefined),
    wantRetired: (type, actorId) => retired.mark(type, actorId, "wanted"),
    learnDecision(lane, actorId, { revision, sequence, payload, pastTo }) {
      mayHaveImports = true;
      insertImported.run(lane.type.name, actorId, revision, lane.partition, sequence, payload, pastTo);
    },
    addTally: (lane: Lane, name, delta) => void upsertTally.run(lane.type.name, lane.partition, name, delta),
  };
}

type Content = Pick<EventRow, "timestamp" | "body">;
type FirstHeard = Pick<EventRow, "timestamp" | "body" | "sequence" | "storedAtMs">;

/** The order of names in an object says nothing; the correlation id is no content. */
function hasSameContent(a: Content, b: Content): boolean {
  if (a.timestamp !== b.timestamp) return false;
  return a.body === b.body || isDeepStrictEqual(JSON.parse(a.body), JSON.parse(b.body));
}

/**
 * SQLite rewrites an index whenever its column is assigned, even to the same value. So there is one statement for each
 * set of indexed columns that changed: 8 us less per event than one statement that assigns them all.
 */
function prepareActorUpdates(db: Database.Database) {
  const statements = new Map<string, Database.Statement>();
  return (row: StoredActor, before: IndexedColumns): Database.RunResult => {
    const { machineVersion, completeness, events, revision, standing, updatedAtMs, checksum, snapshot } = row;
    const values: unknown[] = [
      machineVersion,
      completeness,
      events,
      revision,
      standing,
      updatedAtMs,
      checksum,
      snapshot,
    ];
    let columns = "";
    if (row.state !== before.state) {
      columns += ", state = ?";
      values.push(row.state);
    }
    if (row.decisionType !== before.decisionType) {
      columns += ", decision_type = ?";
      values.push(row.decisionType);
    }
    if (completeness < 100 !== before.completeness < 100) {
      columns += ", incomplete = ?";
      values.push(completeness < 100 ? 1 : 0);
    }
    let statement = statements.get(columns);
    if (statement === undefined) {
      statement = db.prepare(`UPDATE actors SET row_version = row_version + 1, machine_version = ?, completeness = ?,
        events = ?, revision = ?, standing = ?, updated_ms = ?, checksum = ?, snapshot = ? ${columns}
        WHERE key = ? AND row_version = ?`);
      statements.set(columns, statement);
    }
    return statement.run(...values, row.key, row.rowVersion);
  };
}
