import type Database from "better-sqlite3";

/*
 * Of which lane a row is: what has to be known of every table for a lane to be copied from one store to another.
 */

/** Rows of one actor each, by its id in this column; `parked` has no partition of its own. */
export const BY_ID = {
  actors: "id",
  imported_decisions: "actor_id",
  quarantine: "actor_id",
  retired: "actor_id",
  parked: "actor_id",
} as const;

/** Rows of an actor that has a row, by `actor_key`. Events tell in which order they were heard by their row numbers alone, which are each store's own. */
export const BY_KEY = ["anchors", "events", "decisions"] as const;

/** Rows by type and partition, whatever actor they are of. */
export const BY_PARTITION = ["dead_letters", "tallies"] as const;

/** What a store knows of streams and types, not of a lane: each store finds it out for itself. */
export const OF_STORE = ["streams", "outbox_streams", "due_versions", "staged"] as const;

/** What each store makes of a lane's events by itself: which of its own rows they are. */
export const OF_PLACES = ["heard_earlier"] as const;

/** The same of columns. */
const PLACES = ["place", "heard"];

/** Where a lane stands; it is said, not copied as a row. */
export const STANDS_IN = "checkpoints";

export type CopiedTable = keyof typeof BY_ID | (typeof BY_KEY)[number] | (typeof BY_PARTITION)[number];

/** Actors first: what is by their keys comes after them. */
export const COPIED_TABLES: readonly CopiedTable[] = [
  ...(Object.keys(BY_ID) as (keyof typeof BY_ID)[]),
  ...BY_KEY,
  ...BY_PARTITION,
];

/** Rows of actors and of what is theirs by their keys. */
export function isOfActors(table: string): boolean {
  return table === "actors" || BY_KEY.some((name) => name === table);
}

/** A table's columns by name: two stores of one schema may have come by them in another order. */
export function columnsOf(db: Database.Database, table: CopiedTable): string[] {
  return allColumnsOf(db, table).filter((name) => !PLACES.includes(name));
}

/** Also those that are not copied. */
export function allColumnsOf(db: Database.Database, table: CopiedTable | (typeof OF_PLACES)[number]): string[] {
  return db.prepare("SELECT name FROM pragma_table_info(?) ORDER BY name").pluck().all(table) as string[];
}
