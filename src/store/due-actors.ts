import type Database from "better-sqlite3";
import type { FindDue } from "../flow/tick-looks.ts";
import type { DueActor } from "../flow/ticks.ts";

/** One look into an index that holds those only that wait. */
export function createFindDue(db: Database.Database): FindDue {
  const select = db.prepare(`SELECT id AS actorId, due FROM actors a INDEXED BY actors_due
    WHERE type = ? AND partition = ? AND due < ?
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.type = a.type AND q.actor_id = a.id)
    ORDER BY due LIMIT ?`);
  return ({ type, partition }, before, limit) => select.all(type.name, partition, before, limit) as DueActor[];
}
