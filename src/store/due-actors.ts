import type Database from "better-sqlite3";
import type { StoredRows } from "../answers/stored-rows.ts";
import type { DueVersions, OutdatedActor } from "../flow/due-renewal.ts";
import type { FindDue } from "../flow/tick-looks.ts";
import type { DueActor } from "../flow/ticks.ts";
import { isKept } from "./staged-actors.ts";

/*
 * Who waits for a time: looks into an index that holds those only.
 */

/** Those whose time has come, the earliest first. */
export function createFindDue(db: Database.Database): FindDue {
  const select = db.prepare(`SELECT id AS actorId, due FROM actors a INDEXED BY actors_due
    WHERE type = ? AND partition = ? AND due < ?
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.type = a.type AND q.actor_id = a.id)
    ORDER BY due LIMIT ?`);
  return ({ type, partition }, before, limit) => select.all(type.name, partition, before, limit) as DueActor[];
}

/** Of each partition: states in which nobody of these is, are not told of. About 0.1 ms for 16 partitions. */
const LOOKED_AT = 20;

/** The first of each partition: costs the same however many these are. */
export function createNextDueQuery(db: Database.Database): StoredRows["nextDue"] {
  const selectPartitions = db.prepare("SELECT DISTINCT partition FROM tallies WHERE type = ?").pluck();
  const selectFirst = db.prepare(`SELECT state, due FROM actors a INDEXED BY actors_due
    WHERE type = ? AND partition = ? AND due IS NOT NULL AND ${isKept("key")}
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.type = a.type AND q.actor_id = a.id)
    ORDER BY due LIMIT ${LOOKED_AT}`);
  return (type, partitions = selectPartitions.all(type.name) as number[]) =>
    partitions.flatMap((partition) => selectFirst.all(type.name, partition) as { state: string; due: string }[]);
}

/** Walks the actors by their rows' numbers, a stretch at a time. */
export function createDueVersions(db: Database.Database): DueVersions {
  const select = db.prepare("SELECT version FROM due_versions WHERE type = ?").pluck();
  const upsert = db.prepare(`INSERT INTO due_versions (type, version) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET version = excluded.version`);
  const selectLast = db
    .prepare("SELECT max(key) FROM (SELECT key FROM actors WHERE key > ? ORDER BY key LIMIT ?)")
    .pluck();
  const selectOutdated = db.prepare(`SELECT key, id AS actorId, due FROM actors NOT INDEXED
    WHERE type = ? AND key > ? AND key <= ? AND machine_version <> ?`);
  const update = db.prepare("UPDATE actors SET due = ? WHERE key = ? AND machine_version <> ?");
  return {
    find: ({ name }) => (select.get(name) as number | undefined) ?? null,
    save: ({ name, version }) => void upsert.run(name, version),
    stretch({ name, version }, after, limit) {
      const last = selectLast.get(after, limit) as number | null;
      const outdated = last === null ? [] : (selectOutdated.all(name, after, last, version) as OutdatedActor[]);
      return { outdated, last };
    },
    saveDue: ({ version }, key, due) => void update.run(due, key, version),
  };
}
