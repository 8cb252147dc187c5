import type Database from "better-sqlite3";
import type { ParkedRow, RetiredRow } from "../flow/rows.ts";

/**
 * Takes retired actors over from another store, with the late events that wait for them. Safe to call twice.
 *
 * @param rows - of one type.
 */
export function carryRetired(db: Database.Database, rows: Iterable<RetiredRow>, parked: Iterable<ParkedRow>): void {
  const insertRetired = db.prepare(`INSERT OR IGNORE INTO retired (type, actor_id, partition, sequence, events, digest,
    revision, updated_ms, retired_ms, status) VALUES (:type, :actorId, :partition, :sequence, :events, :digest,
    :revision, :updatedAtMs, :retiredAtMs, :status)`);
  const insertParked = db.prepare(`INSERT OR IGNORE INTO parked (type, actor_id, sequence, subject, stored_ms, headers,
    body) VALUES (:type, :actorId, :sequence, :subject, :storedAtMs, :headers, :body)`);
  const addTally = db.prepare(`INSERT INTO tallies (type, partition, name, value) VALUES (?, ?, 'retired', 1)
    ON CONFLICT DO UPDATE SET value = value + 1`);
  db.transaction(() => {
    for (const row of rows) if (insertRetired.run(row).changes === 1) addTally.run(row.type, row.partition);
    for (const row of parked) insertParked.run(row);
  })();
}
