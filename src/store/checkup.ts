import { existsSync, statSync } from "node:fs";
import type Database from "better-sqlite3";
import { openToRead } from "./database.ts";
import { schemaOf, schemaVersion } from "./schema.ts";

/** How a store is, as far as can be seen without changing it. */
export interface StoreCheckup {
  readonly bytes: number;
  /** Of the write-ahead log beside it. */
  readonly walBytes: number;
  /** Its schema, and the one this natstate writes. */
  readonly schema: number;
  readonly knownSchema: number;
  /** What `PRAGMA quick_check` finds, null when nothing. */
  readonly damage: string | null;
  /** What it holds; null when its schema is another one. */
  readonly rows: StoreRows | null;
}

/** What waits in a store, or needs somebody. */
export interface StoreRows {
  /** Decisions and dead letters not yet published, and when the oldest one's cause was stored; ms since the epoch. */
  readonly pending: number;
  readonly oldestPendingMs: number | null;
  readonly quarantined: number;
  readonly deadLetters: number;
}

/**
 * Reads all of the store once; a daemon may go on writing it.
 *
 * @returns undefined when there is none.
 * @throws when it cannot be opened, or is no store.
 */
export function checkStore(file: string): StoreCheckup | undefined {
  const db = openToRead(file);
  if (db === undefined) return undefined;
  try {
    const found = db.pragma("quick_check(1)", { simple: true }) as string;
    const schema = schemaOf(db);
    return {
      bytes: statSync(file).size,
      walBytes: existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0,
      schema,
      knownSchema: schemaVersion(),
      damage: found === "ok" ? null : found,
      rows: schema === schemaVersion() ? readRows(db) : null,
    };
  } finally {
    db.close();
  }
}

function readRows(db: Database.Database): StoreRows {
  return db
    .prepare(`SELECT count(*) AS pending, min(ms) AS oldestPendingMs,
      (SELECT count(*) FROM quarantine) AS quarantined, (SELECT count(*) FROM dead_letters) AS deadLetters
      FROM (SELECT caused_ms AS ms FROM decisions WHERE published IS NULL
      UNION ALL SELECT stored_ms FROM dead_letters WHERE published IS NULL)`)
    .get() as StoreRows;
}
