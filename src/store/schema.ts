import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { atOnce, type Pieces } from "../flow/pieces.ts";
import { completeEarlySchema } from "./early-schemas.ts";
import { findMoving, type Moving, move, type OnMoving } from "./moving.ts";
import { eventsMoved } from "./moving-events.ts";
import { StoreError } from "./store-error.ts";

const MIGRATIONS = join(import.meta.dirname, "migrations");

/** The migrations whose rows follow after their script. */
const MOVINGS: readonly Moving[] = [eventsMoved];

/** The schema this natstate writes. */
export function schemaVersion(): number {
  return scriptNames().length;
}

/** Of a store, 0 for a new one. */
export function schemaOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}

/** {@link migrateInPieces}, whoever waits. */
export function migrate(db: Database.Database): void {
  atOnce(migrateInPieces(db));
}

/**
 * Brings a database's schema up to date, each migration's script in one transaction with its number; what it moves then
 * follows in pieces. Interrupted at any moment, it goes on where it was.
 *
 * @throws StoreError when a newer natstate wrote it, or when it is not what its number says.
 */
export function* migrateInPieces(db: Database.Database, onMoving: OnMoving = () => {}): Pieces<void> {
  refuseNewer(db);
  const known = scriptNames();
  try {
    const scripts = known.map((name) => readFileSync(join(MIGRATIONS, name), "utf8"));
    const version = completeEarlySchema(db, scripts);
    for (const [index, script] of scripts.entries()) {
      if (index < version - 1) continue;
      if (index >= version) begin(db, script, index + 1);
      const moving = MOVINGS.find(({ schema }) => schema === index + 1);
      if (moving !== undefined) yield* move(db, moving, onMoving);
    }
  } catch (error) {
    if (!lacksTables(error)) throw error;
    throw new StoreError(
      `${db.name} has schema ${schemaOf(db)} of ${known.length} and cannot be brought up to date (${error.message}). The streams have what they keep: npx natstate rebuild makes a new store from them and keeps this one beside it.`,
      { cause: error },
    );
  }
}

function begin(db: Database.Database, script: string, version: number): void {
  db.transaction(() => {
    db.exec(script);
    db.pragma(`user_version = ${version}`);
  })();
}

/** Of a store that a start has begun to bring up to date, and not finished, how much is done; undefined of any other. */
export function movedPercent(db: Database.Database): number | undefined {
  const moving = MOVINGS.find(({ schema }) => schema === schemaOf(db));
  return moving && findMoving(db, moving);
}

/**
 * For those who only read it.
 *
 * @throws StoreError when a store has another schema than this natstate writes; it stays as it is.
 */
export function refuseOtherSchema(db: Database.Database): void {
  refuseNewer(db);
  const percent = movedPercent(db);
  if (percent !== undefined) {
    const what = `${db.name} is being brought up to date, ${percent} % of it are`;
    throw new StoreError(`${what}: npx natstate start goes on with it, and can be used when it is ready.`);
  }
  if (schemaOf(db) === schemaVersion()) return;
  const what = `${db.name} has schema ${schemaOf(db)} of ${schemaVersion()}`;
  throw new StoreError(`${what}: npx natstate start brings it up to date.`);
}

function refuseNewer(db: Database.Database): void {
  const found = schemaOf(db);
  if (found <= schemaVersion()) return;
  throw new StoreError(
    `${db.name} has schema ${found}, this natstate knows ${schemaVersion()}: use the newer natstate that wrote it; or, to stay with this one, npx natstate rebuild makes a new store from the streams and keeps that one beside it.`,
  );
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
