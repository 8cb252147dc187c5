import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { completeEarlySchema } from "./early-schemas.ts";
import { StoreError } from "./store-error.ts";

const MIGRATIONS = join(import.meta.dirname, "migrations");

/** The schema this natstate writes. */
export function schemaVersion(): number {
  return scriptNames().length;
}

/** Of a store, 0 for a new one. */
export function schemaOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}

/**
 * Brings a database's schema up to date, each migration in one transaction with its number.
 *
 * @throws StoreError when a newer natstate wrote it, or when it is not what its number says.
 */
export function migrate(db: Database.Database): void {
  refuseNewer(db);
  const known = scriptNames();
  try {
    const scripts = known.map((name) => readFileSync(join(MIGRATIONS, name), "utf8"));
    const version = completeEarlySchema(db, scripts);
    for (const [index, script] of scripts.entries()) {
      if (index < version) continue;
      db.transaction(() => {
        db.exec(script);
        db.pragma(`user_version = ${index + 1}`);
      })();
    }
  } catch (error) {
    if (!lacksTables(error)) throw error;
    throw new StoreError(
      `${db.name} has schema ${schemaOf(db)} of ${known.length} and cannot be brought up to date (${error.message}). The streams have what they keep: npx natstate rebuild makes a new store from them and keeps this one beside it.`,
      { cause: error },
    );
  }
}

/**
 * For those who only read it.
 *
 * @throws StoreError when a store has another schema than this natstate writes; it stays as it is.
 */
export function readAsIs<Reader>(db: Database.Database, prepare: (db: Database.Database) => Reader): Reader {
  refuseNewer(db);
  if (schemaOf(db) < schemaVersion()) throw older(db);
  return prepare(db);
}

function refuseNewer(db: Database.Database): void {
  const found = schemaOf(db);
  if (found <= schemaVersion()) return;
  throw new StoreError(
    `${db.name} has schema ${found}, this natstate knows ${schemaVersion()}: use the newer natstate that wrote it; or, to stay with this one, npx natstate rebuild makes a new store from the streams and keeps that one beside it.`,
  );
}

function older(db: Database.Database): StoreError {
  const what = `${db.name} has schema ${schemaOf(db)} of ${schemaVersion()}`;
  return new StoreError(`${what}: npx natstate start brings it up to date.`);
}

/** A disk that is full, or a program that holds the store, is another matter. */
function lacksTables(error: unknown): error is Error {
  return error instanceof Database.SqliteError && error.code === "SQLITE_ERROR";
}

function scriptNames(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}
