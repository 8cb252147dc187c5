import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
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

/** What SQLite says when a file cannot be opened or written, as an error that says what to do; else undefined. */
export function asUnusable(error: unknown, file: string): StoreError | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  if (error.code === "SQLITE_FULL")
    return new StoreError(`${file} cannot be written: its disk is full`, { cause: error });
  if (!/^SQLITE_(CANTOPEN|READONLY|PERM|AUTH|IOERR)/.test(error.code)) return undefined;
  const who = process.getuid === undefined ? "this user" : `this user (${process.getuid()})`;
  const what = isReadOnlyDisk(dirname(file))
    ? `${dirname(file)} is on a disk that is mounted read-only`
    : `${who} has to own ${dirname(file)} and what is in it (chown -R)`;
  return new StoreError(`${file} cannot be opened or written (${error.message}): ${what}`, { cause: error });
}

function isReadOnlyDisk(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

/** A file that is no longer what was written. */
export function damage(file: string, found: string, cause?: unknown): StoreError {
  return new StoreError(
    `${file} is damaged (${found}). What the streams keep is not lost: run npx natstate rebuild, which keeps this one beside the new, or put a backup in its place (remove its -wal and -shm).`,
    { cause },
  );
}
