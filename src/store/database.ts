import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";

/** An open database, held by this process alone. */
export interface OpenDatabase {
  readonly db: Database.Database;
  close(): void;
}

/** The data directory cannot be used; the message says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** Larger ones would hold up the start: a check reads the whole file, 0.5 s for 1 GiB when it is in memory. */
const MAX_CHECKED_BYTES = 268_435_456;
const MIGRATIONS = join(import.meta.dirname, "migrations");
/** A checkpoint of our own needs less; whoever holds the store for longer than it is not waited for, see {@link awaitWriter}. */
const WRITE_WAIT_MS = 250;

/**
 * Opens (or creates) the store, brings its schema up to date and locks it against a second daemon.
 *
 * @param file - path of the SQLite file; `<file>.lock` beside it carries the lock.
 * @throws StoreError when another process has it open as a daemon or writes it, when a newer natstate wrote it, or when it
 *   is damaged.
 */
export function openDatabase(file: string): OpenDatabase {
  mkdirSync(dirname(file), { recursive: true });
  const unlock = lockStore(file);
  let opened: Database.Database | undefined;
  try {
    const db = new Database(file);
    opened = db;
    // Rows of about 1 KiB in random order: 5 % less CPU per event than with pages of 4 KiB.
    db.pragma("page_size = 8192");
    // A power cut may take the last commits; the log has them, and the next start reads them again from the
    // checkpoint it finds (DESIGN, section 5). So an fsync per commit would buy nothing.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    // 40 MiB between checkpoints: 20 % more events/s than the default 4 MiB.
    db.pragma("wal_autocheckpoint = 5000");
    db.pragma("cache_size = -131072");
    db.pragma("foreign_keys = OFF");
    migrate(db);
    if (statSync(file).size <= MAX_CHECKED_BYTES) refuseDamage(db, file);
    // Whoever holds it is waited for now, and told of: what is written first could not say so.
    db.exec("BEGIN IMMEDIATE; COMMIT");
    awaitWriter(db, true);
    return {
      db,
      close() {
        db.close();
        unlock();
      },
    };
  } catch (error) {
    opened?.close();
    unlock();
    throw asDamage(error, file) ?? asHeld(error, file) ?? error;
  }
}

/** Another program writes the store, such as a shell with an open transaction; it passes when that one lets go. */
export class StoreHeldError extends StoreError {}

/**
 * Sets whether a write waits for another writer, and everything else in the process with it. SQLite's usual 5 s hold up
 * events and questions, and whoever writes here tries again.
 */
export function awaitWriter(db: Database.Database, isWaiting: boolean): void {
  db.pragma(`busy_timeout = ${isWaiting ? WRITE_WAIT_MS : 0}`);
}

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

function refuseDamage(db: Database.Database, file: string): void {
  const found = db.pragma("quick_check(1)", { simple: true });
  if (found !== "ok") throw damage(file, String(found).replaceAll("\n", " "));
}

function damage(file: string, found: string, cause?: unknown): StoreError {
  return new StoreError(
    `${file} is damaged (${found}). Nothing is lost: the streams have everything. Move it away together with its -wal and -shm, or run npx natstate rebuild, and start again.`,
    { cause },
  );
}

/** The schema this natstate writes. */
export function schemaVersion(): number {
  return scripts().length;
}

/**
 * Keeps daemons off a store without opening it.
 *
 * An exclusive transaction on a file of its own: the operating system frees it however this process ends.
 *
 * @returns frees it.
 * @throws StoreError when a daemon, or another command that needs the store for itself, has it.
 */
export function lockStore(file: string): () => void {
  const db = new Database(`${file}.lock`, { timeout: 0 });
  try {
    db.pragma("journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw new StoreError(
      `${file} is in use by another natstate daemon. Stop that one, or give this one its own directory with NATSTATE_DATA.`,
      { cause: error },
    );
  }
  return () => db.close();
}

function scripts(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

/** Brings a database's schema up to date. @throws StoreError when a newer natstate wrote it. */
export function migrate(db: Database.Database): void {
  const known = scripts();
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > known.length) {
    throw new StoreError(
      `the store has schema ${version}, this natstate knows ${known.length}: use the newer natstate, or a new NATSTATE_DATA.`,
    );
  }
  for (const [index, name] of known.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
      db.pragma(`user_version = ${index + 1}`);
    })();
  }
}
