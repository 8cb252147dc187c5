import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { Lane } from "../wire/lanes.ts";
import { movedBy } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";
import { isAhead, isHalfAdopted, type LaneStand, readStand } from "./lane-copy.ts";
import {
  ADOPTING,
  allColumnsOf,
  BY_ID,
  BY_KEY,
  type CopiedTable,
  OF_PLACES,
  type PlacesTable,
  STANDS_IN,
} from "./lane-tables.ts";
import { StoreError } from "./store-error.ts";

/** The store that takes a copy. */
export interface Adopter {
  readonly db: Database.Database;
  readonly file: string;
  readonly journal: Pick<Journal, "nextActorKey">;
}

/** Each about a millisecond or two; others commit in between. */
const KEYS_AT_ONCE = 32;
const EVENTS_AT_ONCE = 128;
const IDS_AT_ONCE = 200;
/** Numbers of rows looked through, of which few may be the lane's. */
const ROWS_AT_ONCE = 1000;

/** Rows whose actors are not held against each other; learnt ones come last, with the place up to which they were learnt. */
const BY_ID_ALONE = ["quarantine", "retired", "parked"] as const satisfies readonly (keyof typeof BY_ID)[];

/**
 * Puts a staged copy in the place of what a store has of its lane, in many small transactions, the first of which says that
 * it is begun and the last that it is done. In between the lane is nothing that may be read, given or gone on with:
 * whatever dies there leaves what {@link discardHalfAdopted} removes.
 *
 * @param file - the stage's.
 * @param stand - where the lane stood when it was copied.
 * @throws StoreError when the store has come further meanwhile; nothing happened then.
 */
export function* adoptInPieces(adopter: Adopter, file: string, lane: Lane, stand: LaneStand): Pieces<void> {
  const { db } = adopter;
  db.prepare("ATTACH ? AS copied").run(file);
  try {
    const place = begin(db, lane, stand);
    yield* deleteRows(db, lane);
    const hasOtherVersions = yield* insertActors(adopter, lane, place);
    const eventsInto = { by: "place", values: { actor_key: ours("actor_key"), place: `c.place + ${place}` } };
    yield* inWindows(db, "copied.events", EVENTS_AT_ONCE, prepareCopy(db, "events", eventsInto));
    for (const table of BY_ID_ALONE) yield* insertById(db, table);
    // What has been learnt meanwhile says less.
    const insertLetters = prepareCopy(db, "dead_letters", { by: "rowid", or: "OR REPLACE" });
    yield* inWindows(db, "copied.dead_letters", IDS_AT_ONCE, insertLetters);
    inTransaction(db, () => {
      finish(db, lane, stand);
      // Rows that another version has written say until when it lets them wait: that is found out anew.
      if (hasOtherVersions) db.prepare("DELETE FROM main.due_versions WHERE type = ?").run(lane.type.name);
    });
  } finally {
    db.exec("DROP TABLE IF EXISTS temp.copied_keys");
    db.exec("DETACH copied");
  }
}

/** Removes what is left of a lane's adoption that did not come to its end; then the store has nothing of the lane. */
export function* discardHalfAdopted(db: Database.Database, lane: Lane): Pieces<void> {
  if (!isHalfAdopted(db, lane)) return;
  yield* deleteRows(db, lane);
  inTransaction(db, () => deleteStanding(db, lane));
}

/** @returns the number behind which the events of the copy have their rows. */
function begin(db: Database.Database, lane: Lane, stand: LaneStand): number {
  return inTransaction(db, () => {
    if (!isAhead(stand, readStand(db, lane))) throw new StoreError("the store has come further than the copy");
    const lastOf = (schema: string) =>
      db.prepare(`SELECT coalesce(max(place), 0) FROM ${schema}.events`).pluck().get() as number;
    const place = lastOf("main");
    const end = place + lastOf("copied") + 1;
    // Events go behind the last one: this one keeps their places free for the copy's. It is nobody's.
    db.prepare(`INSERT INTO main.events (place, actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, body)
      VALUES (?, 0, '', '', '', 0, 0, '', '')`).run(end);
    db.prepare(`DELETE FROM main.${STANDS_IN} WHERE stream = ? AND partition = ?`).run(lane.stream, lane.partition);
    db.prepare("INSERT INTO main.tallies (type, partition, name, value) VALUES (?, ?, ?, ?)").run(
      ...[lane.type.name, lane.partition, ADOPTING, end],
    );
    return place;
  });
}

function finish(db: Database.Database, lane: Lane, stand: LaneStand): void {
  deleteStanding(db, lane);
  for (const table of ["imported_decisions", "tallies"] as const) prepareCopy(db, table)();
  const { checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs } = stand;
  db.prepare(`INSERT INTO main.${STANDS_IN} (stream, partition, sequence, complete_to, decisions_sequence,
      dead_letters_sequence, decided_by, heard_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...[lane.stream, lane.partition, checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs],
  );
}

/** Where the lane stands, its counts, and what has been learnt of it. */
function deleteStanding(db: Database.Database, { type, stream, partition }: Lane): void {
  const end = "SELECT value FROM main.tallies WHERE type = ? AND partition = ? AND name = ?";
  db.prepare(`DELETE FROM main.events WHERE actor_key = 0 AND place = (${end})`).run(type.name, partition, ADOPTING);
  for (const table of ["tallies", "imported_decisions"]) {
    db.prepare(`DELETE FROM main.${table} WHERE type = ? AND partition = ?`).run(type.name, partition);
  }
  db.prepare(`DELETE FROM main.${STANDS_IN} WHERE stream = ? AND partition = ?`).run(stream, partition);
}

/** Actors with all that is theirs, who is quarantined or retired, what is kept back, dead letters. */
function* deleteRows(db: Database.Database, lane: Lane): Pieces<void> {
  const { type, partition } = lane;
  const { deleteAll } = createHeardEvents(db);
  const selectKeys = db
    .prepare("SELECT key FROM main.actors WHERE key > ? AND key <= ? AND type = ? AND partition = ? ORDER BY key")
    .pluck();
  const byKey = ["anchors", "decisions"].map((table) => db.prepare(`DELETE FROM main.${table} WHERE actor_key = ?`));
  const deleteActor = db.prepare("DELETE FROM main.actors WHERE key = ?");
  yield* inWindows(db, "main.actors", ROWS_AT_ONCE, function* (from, to) {
    const keys = selectKeys.all(from, to, type.name, partition) as number[];
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      inTransaction(db, () => {
        for (const key of keys.slice(at, at + KEYS_AT_ONCE)) {
          deleteAll(key);
          for (const statement of byKey) statement.run(key);
          deleteActor.run(key);
        }
      });
      yield;
    }
  });
  for (const table of BY_ID_ALONE) yield* deleteById(db, table, lane);
  const deleteLetters = db.prepare(
    "DELETE FROM main.dead_letters WHERE rowid > ? AND rowid <= ? AND type = ? AND partition = ?",
  );
  yield* inWindows(db, "main.dead_letters", ROWS_AT_ONCE, (from, to) =>
    deleteLetters.run(from, to, type.name, partition),
  );
}

function* deleteById(db: Database.Database, table: (typeof BY_ID_ALONE)[number], lane: Lane): Pieces<void> {
  const column = BY_ID[table];
  const select = db
    .prepare(`SELECT DISTINCT ${column} FROM main.${table} WHERE type = ? AND ${column} > ? ORDER BY ${column}
      LIMIT ${IDS_AT_ONCE}`)
    .pluck();
  const remove = db.prepare(`DELETE FROM main.${table} WHERE type = ? AND ${column} = ?`);
  for (let after = ""; ; ) {
    const ids = select.all(lane.type.name, after) as string[];
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    inTransaction(db, () => {
      for (const id of ids) if (lane.holds?.(id) !== false) remove.run(lane.type.name, id);
    });
    yield;
  }
}

/**
 * Each store numbers its actors by itself. They come before their events: who removes half of a copy finds these by them.
 *
 * @returns whether another version of the type has written one of them.
 */
function* insertActors({ db, journal }: Adopter, { type }: Lane, place: number): Pieces<boolean> {
  db.exec("CREATE TEMP TABLE copied_keys (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)");
  db.function("moved", { deterministic: true }, (heard) => movedBy(heard as Uint8Array, place));
  const selectKeys = db
    .prepare(`SELECT key FROM copied.actors WHERE key > ? ORDER BY key LIMIT ${KEYS_AT_ONCE}`)
    .pluck();
  const number = db.prepare("INSERT INTO temp.copied_keys (theirs, ours) VALUES (?, ?)");
  const hasOther = db
    .prepare("SELECT 1 FROM copied.actors WHERE key > ? AND key <= ? AND machine_version <> ?")
    .pluck();
  const values: Readonly<Record<string, string>> = {
    ...{ key: ours("key"), actor_key: ours("actor_key") },
    ...{ place: `c.place + ${place}`, heard: "moved(c.heard)" },
  };
  const copies = [
    prepareCopy(db, "actors", { by: "key", values }),
    ...[...BY_KEY, ...OF_PLACES]
      .filter((table) => table !== "events")
      .map((table) => prepareCopy(db, table, { by: "actor_key", values })),
  ];
  let hasOtherVersions = false;
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const keys = selectKeys.all(after) as number[];
    const last = keys.at(-1);
    if (last === undefined) return hasOtherVersions;
    inTransaction(db, () => {
      for (const key of keys) number.run(key, journal.nextActorKey());
      for (const copy of copies) copy(after, last);
    });
    hasOtherVersions ||= hasOther.get(after, last, type.version) !== undefined;
    after = last;
    yield;
  }
}

function* insertById(db: Database.Database, table: (typeof BY_ID_ALONE)[number]): Pieces<void> {
  const column = BY_ID[table];
  const select = db
    .prepare(`SELECT DISTINCT ${column} FROM copied.${table} WHERE ${column} > ? ORDER BY ${column}
      LIMIT ${IDS_AT_ONCE}`)
    .pluck();
  const insert = prepareCopy(db, table, { by: column });
  for (let after = ""; ; ) {
    const last = (select.all(after) as string[]).at(-1);
    if (last === undefined) return;
    insert(after, last);
    after = last;
    yield;
  }
}

function ours(column: string): string {
  return `(SELECT ours FROM temp.copied_keys WHERE theirs = c.${column})`;
}

interface Copying {
  /** A column of the stage's. */
  readonly by?: string;
  readonly or?: "OR REPLACE";
  /** Of columns that are not the same in both stores. */
  readonly values?: Readonly<Record<string, string>>;
}

/** @returns copies those rows of the stage of which `by` is above the first and not above the second; else all. */
function prepareCopy(
  db: Database.Database,
  table: CopiedTable | PlacesTable,
  { by, or, values = {} }: Copying = {},
): (...range: readonly unknown[]) => void {
  const columns = allColumnsOf(db, table);
  const selected = columns.map((name) => values[name] ?? `c.${name}`);
  const where = by === undefined ? "" : `WHERE c.${by} > ? AND c.${by} <= ?`;
  const statement = db.prepare(
    `INSERT ${or ?? ""} INTO main.${table} (${columns}) SELECT ${selected} FROM copied.${table} c ${where}`,
  );
  return (...range) => void statement.run(...range);
}

/** Numbers of a table's rows, so many at a time, from the lowest to what is the highest now. */
export function* inWindows(
  db: Database.Database,
  table: string,
  size: number,
  work: (from: number, to: number) => unknown,
): Pieces<void> {
  // Both at once would read all of it.
  const select = db.prepare(`SELECT (SELECT min(rowid) - 1 FROM ${table}) AS first,
    (SELECT max(rowid) FROM ${table}) AS last`);
  const { first, last } = select.get() as { readonly first: number | null; readonly last: number | null };
  if (first === null || last === null) return;
  for (let from = first; from < last; from += size) {
    const pieces = work(from, Math.min(from + size, last));
    if (isPieces(pieces)) yield* pieces;
    yield;
  }
}

function isPieces(given: unknown): given is Pieces<void> {
  return typeof given === "object" && given !== null && Symbol.iterator in given;
}

function inTransaction<Result>(db: Database.Database, work: () => Result): Result {
  return db.transaction(work).immediate();
}
