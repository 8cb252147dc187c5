import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { Lane } from "../wire/lanes.ts";
import { createHeardEvents } from "./heard-events.ts";

/*
 * Actors of a copy are in their tables before the copy is whole: to put all of them there once it is would hold up all
 * else, 20 us each. Until then the table `staged` has the ranges of their keys, and whoever reads actors of a lane that is not
 * its own asks it: what a death in the middle leaves is nobody's, and is removed before anybody uses the store again.
 */

/** SQL: an actor, or what is one's, is in the store for good. @param key - the column of the actor's key. */
export function isKept(key: string, schema = "main"): string {
  // One look, however many ranges there are: each actor that others have made meanwhile has begun one more.
  const before = `SELECT last_key FROM ${schema}.staged WHERE first_key <= ${key} ORDER BY first_key DESC LIMIT 1`;
  return `${key} > coalesce((${before}), 0)`;
}

/** Says which keys are those of one lane's copy. */
export interface StagedKeys {
  /** The key of the next actor. In the transaction that inserts it. */
  next(): number;
  /** Their actors are the lane's from now on. In the transaction that says where the lane stands. */
  keep(): void;
}

export function createStagedKeys(
  db: Database.Database,
  { type, partition }: Lane,
  journal: Pick<Journal, "nextActorKey">,
): StagedKeys {
  const insert = db.prepare("INSERT INTO staged (first_key, last_key, type, partition) VALUES (?, ?, ?, ?)");
  const extend = db.prepare("UPDATE staged SET last_key = ? WHERE last_key = ? AND first_key = ?");
  const remove = db.prepare("DELETE FROM staged WHERE type = ? AND partition = ?");
  let first = 0;
  return {
    next() {
      const key = journal.nextActorKey();
      // Others have taken keys in between, or the transaction that noted the one before came to nothing.
      if (extend.run(key, key - 1, first).changes === 0) {
        insert.run(key, key, type.name, partition);
        first = key;
      }
      return key;
    },
    keep: () => void remove.run(type.name, partition),
  };
}

/** Each about a millisecond or two; others commit in between. An actor may have ten thousand events. */
const ACTORS_AT_ONCE = 16;
const EVENTS_AT_ONCE = 256;

/** Removes what is left of copies that did not come to their end. @param lane - absent: of any. */
export function* clearStaged(db: Database.Database, lane?: Lane): Pieces<void> {
  const selectRange = db.prepare(`SELECT first_key AS first, last_key AS last FROM staged
    WHERE :type IS NULL OR (type = :type AND partition = :partition) ORDER BY first_key DESC LIMIT 1`);
  const selectKeys = db
    .prepare(`SELECT key FROM actors WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT ${ACTORS_AT_ONCE}`)
    .pluck();
  const removeRange = db.prepare("DELETE FROM staged WHERE first_key = ?");
  const heard = createHeardEvents(db);
  const removals = ["decisions WHERE actor_key", "anchors WHERE actor_key", "actors WHERE key"].map((rows) =>
    db.prepare(`DELETE FROM ${rows} = ?`),
  );
  const which = { type: lane?.type.name ?? null, partition: lane?.partition ?? null };
  const next = db.transaction((): boolean => {
    const range = selectRange.get(which) as { readonly first: number; readonly last: number } | undefined;
    if (range === undefined) return false;
    const keys = selectKeys.all(range.first, range.last) as number[];
    let events = 0;
    for (const key of keys) {
      events += heard.deleteAll(key);
      for (const removal of removals) removal.run(key);
      if (events >= EVENTS_AT_ONCE) return true;
    }
    if (keys.length < ACTORS_AT_ONCE) removeRange.run(range.first);
    return true;
  });
  while (next.immediate()) yield;
}
