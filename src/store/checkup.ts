import { existsSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { schemaVersion } from "./database.ts";

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
  /** Decisions and dead letters not yet published, and when the oldest one's cause was stored; ms since the epoch. */
  readonly pending: number;
  readonly oldestPendingMs: number | null;
  readonly quarantined: number;
  readonly deadLetters: number;
}

interface Rows {
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
  if (!existsSync(file)) return undefined;
  const db = new Database(file, { readonly: true });
  try {
    const found = db.pragma("quick_check(1)", { simple: true }) as string;
    const rows = db
      .prepare(`SELECT count(*) AS pending, min(ms) AS oldestPendingMs,
        (SELECT count(*) FROM quarantine) AS quarantined, (SELECT count(*) FROM dead_letters) AS deadLetters
        FROM (SELECT caused_ms AS ms FROM decisions WHERE published IS NULL
        UNION ALL SELECT stored_ms FROM dead_letters WHERE published IS NULL)`)
      .get() as Rows;
    return {
      bytes: statSync(file).size,
      walBytes: existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0,
      schema: db.pragma("user_version", { simple: true }) as number,
      knownSchema: schemaVersion(),
      damage: found === "ok" ? null : found,
      ...rows,
    };
  } finally {
    db.close();
  }
}
