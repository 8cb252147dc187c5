import type Database from "better-sqlite3";
import type { QuietActor, RetiredRows } from "../flow/retired.ts";
import type { RetiredRow } from "../flow/rows.ts";
import { ACTORS, RETIRED } from "./tables.ts";

const QUIET_FIELDS = [
  "key",
  "id",
  "partition",
  "state",
  "decisionType",
  "completeness",
  "events",
  "revision",
  "updatedAtMs",
] as const satisfies readonly (keyof QuietActor)[];

/** INDEXED BY: these walks must never become scans, whatever SQLite's statistics say. */
export function createRetiredRows(db: Database.Database): RetiredRows {
  const selectOne = db.prepare(`SELECT ${RETIRED.select()} FROM retired WHERE type = ? AND actor_id = ?`);
  const { into, valuesOf } = RETIRED.insert();
  const insert = db.prepare(`INSERT ${into}`);
  const selectEventIds = db.prepare("SELECT event_id FROM events WHERE actor_key = ? AND outcome <> 'tick'").pluck();
  const deleteEvents = db.prepare("DELETE FROM events WHERE actor_key = ?");
  const deleteDecisions = db.prepare("DELETE FROM decisions WHERE actor_key = ?");
  const deleteAnchors = db.prepare("DELETE FROM anchors WHERE actor_key = ?");
  const deleteActor = db.prepare("DELETE FROM actors WHERE key = ?");
  const updateStatus = db.prepare("UPDATE retired SET status = ? WHERE type = ? AND actor_id = ?");
  const deleteOne = db.prepare("DELETE FROM retired WHERE type = ? AND actor_id = ?");
  const selectWanted = db.prepare(`SELECT ${RETIRED.select()} FROM retired INDEXED BY retired_wanted
    WHERE status = 'wanted' AND type = ? AND actor_id > ? ORDER BY actor_id LIMIT ?`);
  const selectNewest = db
    .prepare(
      `SELECT updated_ms FROM actors INDEXED BY actors_by_update WHERE type = ? ORDER BY updated_ms DESC LIMIT 1`,
    )
    .pluck();
  const selectQuiet = db.prepare(`SELECT ${ACTORS.select(QUIET_FIELDS)}, decision_type IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.published IS NULL AND d.type = a.type
      AND d.partition = a.partition AND d.actor_key = a.key)
    AND a.due IS NULL
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.type = a.type AND q.actor_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.type = a.type AND p.actor_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM imported_decisions i WHERE i.type = a.type AND i.actor_id = a.id) AS isSettled
    FROM actors a INDEXED BY actors_by_update
    WHERE type = ? AND updated_ms < ? AND (updated_ms, key) > (?, ?) ORDER BY updated_ms, key LIMIT ?`);
  return {
    find: (type, actorId) => selectOne.get(type, actorId) as RetiredRow | undefined,
    eventIds: (actorKey) => selectEventIds.all(actorKey) as string[],
    retire(row, actorKey) {
      insert.run(valuesOf(row));
      deleteEvents.run(actorKey);
      deleteDecisions.run(actorKey);
      deleteAnchors.run(actorKey);
      deleteActor.run(actorKey);
    },
    mark: (type, actorId, status) => void updateStatus.run(status, type, actorId),
    forget: (type, actorId) => void deleteOne.run(type, actorId),
    wanted: (type, after, limit) => selectWanted.all(type, after, limit) as RetiredRow[],
    newestMs: (type) => (selectNewest.get(type) as number | undefined) ?? null,
    quiet: (type, beforeMs, after, limit) =>
      selectQuiet.all(type, beforeMs, after.updatedAtMs, after.key, limit) as QuietActor[],
  };
}
