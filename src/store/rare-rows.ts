import type Database from "better-sqlite3";

/** Whether a table has rows that nearly never has any: then it costs nothing per event. */
export interface RareRows {
  /** Looks, once a transaction. */
  look(): void;
  /** There may be some. */
  mayExist(): boolean;
  /** There is one now. */
  note(): void;
}

/** There may be some until it is looked. */
export function createRareRows(db: Database.Database, table: string): RareRows {
  const any = db.prepare(`SELECT 1 FROM ${table} LIMIT 1`).pluck();
  let mayExist = true;
  return {
    look() {
      mayExist = any.get() !== undefined;
    },
    mayExist: () => mayExist,
    note() {
      mayExist = true;
    },
  };
}
