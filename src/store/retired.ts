import type Database from "better-sqlite3";
import type { QuietActor, RetiredRows } from "../flow/retired.ts";
import type { ParkedRow, RetiredRow } from "../flow/rows.ts";
import { createHeardEvents } from "./heard-events.ts";
import { ACTORS, PARKED, RETIRED } from "./tables.ts";

const QUIET_FIELDS = [
  "key",
  "id",
  "partition",
  "state",
  "decisionType",
  "completeness",
  "events",
  "revision",
  "firstSeenAtMs",
  "updatedAtMs",
] as const satisfies readonly (keyof QuietActor)[];

/** INDEXED BY: these walks must never become scans, whatever SQLite's statistics say. */
export function createRetiredRows(db: Database.Database): RetiredRows {
  const selectOne = db.prepare(`SELECT ${RETIRED.select()} FROM retired WHERE type = ? AND actor_id = ?`);
  const { into, valuesOf } = RETIRED.insert();
  const insert = db.prepare(`INSERT ${into}`);
  const heard = createHeardEvents(db);
  const selectEventId = db.prepare("SELECT event_id FROM events WHERE place = ? AND outcome <> 'tick'").pluck();
  const deleteDecisions = db.prepare("DELETE FROM decisions WHERE actor_key = ?");
  const deleteAnchors = db.prepare("DELETE FROM anchors WHERE actor_key = ?");
  const deleteActor = db.prepare("DELETE FROM actors WHERE key = ?");
  const updateStatus = db.prepare("UPDATE retired SET status = ? WHERE type = ? AND actor_id = ?");
  const deleteOne = db.prepare("DELETE FROM retired WHERE type = ? AND actor_id = ?");
  const selectWanted = db.prepare(`SELECT ${RETIRED.select()} FROM retired INDEXED BY retired_wanted
    WHERE status = 'wanted' AND type = ? AND actor_id > ? ORDER BY actor_id LIMIT ?`);
  const selectHeard = db.prepare("SELECT max(heard_ms) FROM checkpoints WHERE stream = ?").pluck();
  const selectQuiet = db.prepare(`SELECT ${ACTORS.select(QUIET_FIELDS)}, decision_type IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.published IS NULL AND d.type = a.type
      AND d.partition = a.partition AND d.actor_key = a.key)
    AND a.due IS NULL AND a.updated_ms < :beforeMs
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.type = a.type AND q.actor_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.type = a.type AND p.actor_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM imported_decisions i WHERE i.type = a.type AND i.actor_id = a.id) AS isSettled
    FROM actors a INDEXED BY actors_by_age
    WHERE type = :type AND first_seen_ms < :beforeMs AND (first_seen_ms, id) > (:firstSeenAtMs, :id)
    ORDER BY first_seen_ms, id LIMIT :limit`);

  function eventIdsOf(actorKey: number): string[] {
    const actor = heard.read(actorKey);
    const places = actor === undefined ? [] : heard.places(actor);
    return places.map((place) => selectEventId.get(place) as string | undefined).filter((id) => id !== undefined);
  }

  return {
    find: (type, actorId) => selectOne.get(type, actorId) as RetiredRow | undefined,
    eventIds: (actorKey) => eventIdsOf(actorKey),
    retire(row, actorKey) {
      insert.run(valuesOf(row));
      heard.deleteAll(actorKey);
      deleteDecisions.run(actorKey);
      deleteAnchors.run(actorKey);
      deleteActor.run(actorKey);
    },
    mark: (type, actorId, status) => void updateStatus.run(status, type, actorId),
    forget: (type, actorId) => void deleteOne.run(type, actorId),
    wanted: (type, after, limit) => selectWanted.all(type, after, limit) as RetiredRow[],
    heardMs: (stream) => selectHeard.get(stream) as number | null,
    quiet: (type, beforeMs, { firstSeenAtMs, id }, limit) =>
      selectQuiet.all({ type, beforeMs, firstSeenAtMs, id, limit }) as QuietActor[],
  };
}

/**
 * Takes retired actors over from another store, with the late events that wait for them. Safe to call twice.
 *
 * @param rows - of one type.
 */
export function carryRetired(db: Database.Database, rows: Iterable<RetiredRow>, parked: Iterable<ParkedRow>): void {
  const retired = RETIRED.insert();
  const late = PARKED.insert();
  const insertRetired = db.prepare(`INSERT OR IGNORE ${retired.into}`);
  const insertParked = db.prepare(`INSERT OR IGNORE ${late.into}`);
  const addTally = db.prepare(`INSERT INTO tallies (type, partition, name, value) VALUES (?, ?, 'retired', 1)
    ON CONFLICT DO UPDATE SET value = value + 1`);
  db.transaction(() => {
    for (const row of rows) {
      if (insertRetired.run(retired.valuesOf(row)).changes === 1) addTally.run(row.type, row.partition);
    }
    for (const row of parked) insertParked.run(late.valuesOf(row));
  })();
}
