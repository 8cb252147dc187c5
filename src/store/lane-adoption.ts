import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { Lane } from "../wire/lanes.ts";
import { movedBy } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";
import { type CopiedRow, isAhead, type LaneStand, readStand } from "./lane-copy.ts";
import {
  allColumnsOf,
  BY_ID,
  BY_KEY,
  COPIED_TABLES,
  type CopiedTable,
  isOfActors,
  OF_PLACES,
  STANDS_IN,
} from "./lane-tables.ts";
import { StoreError } from "./store-error.ts";

/** The store that takes a copy. */
export interface Adopter {
  readonly db: Database.Database;
  readonly file: string;
  readonly journal: Pick<Journal, "nextActorKey">;
}

/** Actors of a copy that are in the store already. */
export interface StagedActors {
  readonly add: (rows: readonly CopiedRow[]) => void;
  readonly keep: () => void;
  /** Has another version of the type written one of them? */
  readonly areOfOthers: () => boolean;
}

/** A copy that is whole. */
export interface StagedLane {
  readonly file: string;
  readonly stand: LaneStand;
  /** Absent: they are in the file. */
  readonly actors: StagedActors | undefined;
}

/** Was nothing of it ever applied here? Of what is, there are counts. */
export function hasNothing(db: Database.Database, { type, partition }: Lane): boolean {
  return db.prepare("SELECT 1 FROM tallies WHERE type = ? AND partition = ?").get(type.name, partition) === undefined;
}

/** Puts it in the place of what the store has of the lane, in one transaction. */
export function adopt({ db, journal }: Adopter, lane: Lane, { file, stand, actors }: StagedLane): void {
  db.prepare("ATTACH ? AS copied").run(file);
  try {
    db.transaction(() => {
      if (!isAhead(stand, readStand(db, lane)) || (actors && !hasNothing(db, lane)))
        throw new StoreError("the store has come further than the copy");
      if (actors === undefined) deleteActors(db, lane);
      deleteOthers(db, lane, actors === undefined ? ALL_OTHERS : NOT_COUNTED);
      for (const table of ALL_OTHERS) insertAll(db, table);
      insertActors(db, journal);
      actors?.keep();
      const { checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs } = stand;
      db.prepare(`INSERT INTO ${STANDS_IN} (stream, partition, sequence, complete_to, decisions_sequence,
        dead_letters_sequence, decided_by, heard_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
        ...[lane.stream, lane.partition, checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs],
      );
      renewDue(db, lane, actors?.areOfOthers() ?? false);
    }).immediate();
  } finally {
    db.exec("DETACH copied");
  }
}

function deleteActors(db: Database.Database, { type, partition }: Lane): void {
  const keys = "SELECT key FROM main.actors WHERE type = ? AND partition = ?";
  const { deleteAll } = createHeardEvents(db);
  for (const key of db.prepare(keys).pluck().all(type.name, partition) as number[]) deleteAll(key);
  for (const table of BY_KEY) {
    if (table === "events") continue;
    db.prepare(`DELETE FROM main.${table} WHERE actor_key IN (${keys})`).run(type.name, partition);
  }
  db.prepare("DELETE FROM main.actors WHERE type = ? AND partition = ?").run(type.name, partition);
}

const ALL_OTHERS = COPIED_TABLES.filter((table) => !isOfActors(table));
/** To look for what is not there would take longer the more others have. */
const NOT_COUNTED: readonly CopiedTable[] = ["imported_decisions", "dead_letters"];

function deleteOthers(db: Database.Database, lane: Lane, tables: readonly CopiedTable[]): void {
  const { type, stream, partition } = lane;
  db.function("is_of_lane", { deterministic: true }, (id) => Number(lane.holds?.(String(id)) !== false));
  for (const table of tables) {
    if (table === "parked")
      db.prepare("DELETE FROM main.parked WHERE type = ? AND is_of_lane(actor_id)").run(type.name);
    else db.prepare(`DELETE FROM main.${table} WHERE type = ? AND partition = ?`).run(type.name, partition);
  }
  db.prepare(`DELETE FROM main.${STANDS_IN} WHERE stream = ? AND partition = ?`).run(stream, partition);
}

const WITHOUT_ROWID: readonly string[] = ["tallies", ...OF_PLACES];

function insertAll(
  db: Database.Database,
  table: CopiedTable | (typeof OF_PLACES)[number],
  select: (column: string) => string = (name) => name,
): void {
  const columns = allColumnsOf(db, table);
  // In the order in which they were copied, which is that in which they were heard.
  const order =
    table in BY_ID && table !== "actors" && table !== "parked" ? "1" : WITHOUT_ROWID.includes(table) ? "1" : "c.rowid";
  db.exec(
    `INSERT INTO main.${table} (${columns}) SELECT ${columns.map(select)} FROM copied.${table} c ORDER BY ${order}`,
  );
}

/** Each store numbers its actors, and their events, by itself. */
function insertActors(db: Database.Database, journal: Adopter["journal"]): void {
  const count = db.prepare("SELECT count(*) FROM copied.actors").pluck().get() as number;
  if (count === 0) return;
  const first = journal.nextActorKey();
  for (let taken = 1; taken < count; taken++) journal.nextActorKey();
  db.exec("CREATE TEMP TABLE copied_keys (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)");
  try {
    db.prepare(`INSERT INTO copied_keys SELECT key, ? + row_number() OVER (ORDER BY key) - 1 FROM copied.actors`).run(
      first,
    );
    const ours = (column: string) => `(SELECT ours FROM copied_keys WHERE theirs = c.${column})`;
    const place = db.prepare("SELECT coalesce(max(place), 0) FROM main.events").pluck().get() as number;
    db.function("moved", { deterministic: true }, (heard) => movedBy(heard as Uint8Array, place));
    const values: Readonly<Record<string, string>> = {
      ...{ key: ours("key"), actor_key: ours("actor_key") },
      ...{ place: `c.place + ${place}`, heard: "moved(c.heard)" },
    };
    for (const table of ["actors", ...BY_KEY, ...OF_PLACES] as const) {
      insertAll(db, table, (column) => values[column] ?? `c.${column}`);
    }
  } finally {
    db.exec("DROP TABLE copied_keys");
  }
}

/** Rows that another version has written say until when it lets them wait: that is found out anew. */
function renewDue(db: Database.Database, { type, partition }: Lane, areOfOthers: boolean): void {
  db.prepare(`DELETE FROM due_versions WHERE type = ? AND (? OR EXISTS
    (SELECT 1 FROM copied.actors WHERE machine_version <> ? AND partition = ?))`).run(
    ...[type.name, Number(areOfOthers), type.version, partition],
  );
}
