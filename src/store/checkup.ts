import { existsSync, statSync } from "node:fs";
import type Database from "better-sqlite3";
import { openToRead } from "./database.ts";
import { movedPercent, schemaOf, schemaVersion } from "./schema.ts";
import { isKept } from "./staged-actors.ts";

/** How a store is, as far as can be seen without changing it. */
export interface StoreCheckup {
  readonly bytes: number;
  /** Of the write-ahead log beside it. */
  readonly walBytes: number;
  /** Its schema, and the one this natstate writes. */
  readonly schema: number;
  readonly knownSchema: number;
  /** How much a start has brought up to date, in percent, when it has begun that and not finished. */
  readonly movedPercent: number | undefined;
  /** What `PRAGMA quick_check` finds, null when nothing. */
  readonly damage: string | null;
  /** What it holds; null when its schema is another one. */
  readonly rows: StoreRows | null;
}

/** A partition of one actor type. */
export interface StoredPartition {
  /** The type's name. */
  readonly type: string;
  readonly partition: number;
}

/** What waits in a store, or needs somebody, but for partitions that are others'. */
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
 * @param others - partitions that others hold: what the store knows of them may be of before, or is a standby's copy.
 * @returns undefined when there is none.
 * @throws when it cannot be opened, or is no store.
 */
export function checkStore(file: string, others: readonly StoredPartition[] = []): StoreCheckup | undefined {
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
      movedPercent: movedPercent(db),
      damage: found === "ok" ? null : found,
      rows: schema === schemaVersion() ? readRows(db, others) : null,
    };
  } finally {
    db.close();
  }
}

function readRows(db: Database.Database, others: readonly StoredPartition[]): StoreRows {
  return db
    .prepare(`WITH others AS (SELECT value ->> 'type' AS type, value ->> 'partition' AS partition FROM json_each(?))
      SELECT count(*) AS pending, min(ms) AS oldestPendingMs,
      (SELECT count(*) FROM quarantine WHERE (type, partition) NOT IN others) AS quarantined,
      (SELECT count(*) FROM dead_letters WHERE (type, partition) NOT IN others) AS deadLetters
      FROM (SELECT caused_ms AS ms FROM decisions WHERE published IS NULL AND (type, partition) NOT IN others AND ${isKept("actor_key")}
      UNION ALL SELECT stored_ms FROM dead_letters WHERE published IS NULL AND (type, partition) NOT IN others)`)
    .get(JSON.stringify(others)) as StoreRows;
}
