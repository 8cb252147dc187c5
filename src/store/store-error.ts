import Database from "better-sqlite3";

/** The data directory cannot be used; the message says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** Another program writes the store, such as a shell with an open transaction; it passes when that one lets go. */
export class StoreHeldError extends StoreError {}

/** What SQLite says when somebody else has the lock, as an error that says what to do; else undefined. */
export function asHeld(error: unknown, file: string): StoreHeldError | undefined {
  if (!(error instanceof Database.SqliteError) || !error.code.startsWith("SQLITE_BUSY")) return undefined;
  return new StoreHeldError(`another program holds ${file} and lets nobody write: end it, or its transaction`, {
    cause: error,
  });
}

/** What SQLite says when a file is not, or no longer, a database, as an error that says what to do; else undefined. */
export function asDamage(error: unknown, file: string): StoreError | undefined {
  if (!(error instanceof Database.SqliteError) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return undefined;
  return damage(file, error.message, error);
}

/** A file that is no longer what was written. */
export function damage(file: string, found: string, cause?: unknown): StoreError {
  return new StoreError(
    `${file} is damaged (${found}). Nothing is lost: the streams have everything. Move it away together with its -wal and -shm, or run npx natstate rebuild, and start again.`,
    { cause },
  );
}
