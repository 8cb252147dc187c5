import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { atOnce, type Pieces } from "../flow/pieces.ts";
import { defineHeardFunctions } from "./heard-sql.ts";
import type { OnMoving } from "./moving.ts";
import { migrateInPieces } from "./schema.ts";
import { clearStaged } from "./staged-actors.ts";
import { asDamage, asHeld, asUnusable, damage, StoreError } from "./store-error.ts";

/** An open database, held by this process alone. */
export interface OpenDatabase {
  readonly db: Database.Database;
  close(): void;
}

/** Larger ones would hold up the start: a check reads the whole file, 0.5 s for 1 GiB when it is in memory. */
const MAX_CHECKED_BYTES = 268_435_456;
/** A checkpoint of our own needs less; whoever holds the store for longer than it is not waited for, see {@link awaitWriter}. */
const WRITE_WAIT_MS = 250;

/**
 * Of a new store; one of before keeps its own, which are of 8 KiB. A commit writes whole pages, most of them for one row of
 * about 1 KiB: these are half as many bytes, in the log and once more when it is copied.
 */
export const PAGE_BYTES = 4096;
const BETWEEN_CHECKPOINTS_BYTES = 40 * 2 ** 20;

/** So many bytes, in pages of this store. */
export function pagesOf(db: Database.Database, bytes: number): number {
  return Math.ceil(bytes / (db.pragma("page_size", { simple: true }) as number));
}

/** {@link openInPieces}, whoever waits. */
export function openDatabase(file: string): OpenDatabase {
  return atOnce(openInPieces(file));
}

/**
 * Opens (or creates) the store, brings its schema up to date and locks it against a second daemon.
 *
 * @param onMoving - told how far a store is brought up to date that is too large for that to be done in one go; what it
 *   throws ends it for now.
 * @param file - path of the SQLite file; `<file>.lock` beside it carries the lock.
 * @throws StoreError when another process has it open as a daemon or writes it, when a newer natstate wrote it, or when it
 *   is damaged.
 */
export function* openInPieces(file: string, onMoving?: OnMoving): Pieces<OpenDatabase> {
  mkdirSync(dirname(file), { recursive: true });
  const unlock = lockStore(file);
  let opened: Database.Database | undefined;
  try {
    const db = new Database(file);
    opened = db;
    db.pragma(`page_size = ${PAGE_BYTES}`);
    // A power cut may take the last commits; the log has them, and the next start reads them again from the
    // checkpoint it finds (docs/design.md). So an fsync per commit would buy nothing.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    // 20 % more events/s than the default 4 MiB.
    db.pragma(`wal_autocheckpoint = ${pagesOf(db, BETWEEN_CHECKPOINTS_BYTES)}`);
    // 16 MiB. With more an event costs as much, and the process takes it: the system keeps the file, too.
    db.pragma("cache_size = -16384");
    db.pragma("foreign_keys = OFF");
    yield* migrateInPieces(db, onMoving);
    defineHeardFunctions(db);
    if (statSync(file).size <= MAX_CHECKED_BYTES) refuseDamage(db, file);
    // Whoever holds it is waited for now, and told of: what is written first could not say so.
    db.exec("BEGIN IMMEDIATE; COMMIT");
    awaitWriter(db, true);
    yield* clearStaged(db);
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
    throw asDamage(error, file) ?? asHeld(error, file) ?? asUnusable(error, file) ?? error;
  }
}

/** 2 MiB: SQLite's own 16 are filled by each reader and never given back, and the operating system keeps the file, too. */
export const READ_CACHE = "cache_size = -2048";

/**
 * Opens a store that a daemon may go on writing.
 *
 * @param waitMs - for whoever repairs or closes it at this moment.
 * @returns undefined when there is none.
 * @throws StoreError, or an error of the operating system, when it may not be read.
 */
export function openToRead(file: string, waitMs = 5000): Database.Database | undefined {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  accessSync(file, constants.R_OK);
  try {
    const db = new Database(file, { readonly: true, timeout: waitMs });
    db.pragma(READ_CACHE);
    return db;
  } catch (error) {
    throw asDamage(error, file) ?? asUnusable(error, file) ?? error;
  }
}

/**
 * Sets whether a write waits for another writer, and everything else in the process with it. SQLite's usual 5 s hold up
 * events and questions, and whoever writes here tries again.
 */
export function awaitWriter(db: Database.Database, isWaiting: boolean): void {
  db.pragma(`busy_timeout = ${isWaiting ? WRITE_WAIT_MS : 0}`);
}

function refuseDamage(db: Database.Database, file: string): void {
  const found = db.pragma("quick_check(1)", { simple: true });
  if (found !== "ok") throw damage(file, String(found).replaceAll("\n", " "));
}

/**
 * Keeps daemons off a store without opening it.
 *
 * A write transaction on a file of its own: the operating system frees it however this process ends. Not an exclusive
 * one: that would wait for whoever reads the file.
 *
 * @returns frees it.
 * @throws StoreError when a daemon, or another command that needs the store for itself, has it; or when the directory
 *   cannot be written.
 */
export function lockStore(file: string): () => void {
  let db: Database.Database | undefined;
  try {
    db = new Database(`${file}.lock`, { timeout: 0 });
    db.pragma("journal_mode = DELETE");
    db.exec("BEGIN IMMEDIATE");
  } catch (error) {
    db?.close();
    throw asInUse(error, file) ?? asUnusable(error, `${file}.lock`) ?? error;
  }
  const opened = db;
  return () => opened.close();
}

/** Does a daemon, or a command that needs the store for itself, have it at the moment? */
export function isStoreHeld(file: string): boolean {
  if (statSync(`${file}.lock`, { throwIfNoEntry: false }) === undefined) return false;
  try {
    lockStore(file)();
    return false;
  } catch (error) {
    return asHeld((error as Error).cause, file) !== undefined;
  }
}

function asInUse(error: unknown, file: string): StoreError | undefined {
  if (asHeld(error, file) === undefined) return undefined;
  return new StoreError(
    `${file} is in use by another natstate daemon: stop that one. To run two, give this one a NATSTATE_DATA of its own, and both the same NATS_URL.`,
    { cause: error },
  );
}
