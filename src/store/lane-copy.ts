import type Database from "better-sqlite3";
import type { Pieces } from "../flow/pieces.ts";
import type { Hearer } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { openToRead } from "./database.ts";
import { createHeardEvents } from "./heard-events.ts";
import { BY_ID, BY_KEY, type CopiedTable, columnsOf } from "./lane-tables.ts";
import { schemaOf } from "./schema.ts";

/** How far a lane has come in a store. */
export interface LaneStand {
  /** The highest stream sequence whose effects are there. */
  readonly checkpoint: number;
  /** Nothing of the lane was missing up to here, see `LaneRecords.intactTo`. */
  readonly intactTo: number;
  /** What the lane has published up to these sequences of DECISIONS and DEAD_LETTERS is known there. */
  readonly decisionsTo: number;
  readonly deadLettersTo: number;
  /** The highest version of its type by which its decisions were taken, as far as is known; 0: none says so. */
  readonly decidedBy: number;
  /** When the latest message was stored that was applied, ms since the epoch; null: that is not known. */
  readonly heardMs: number | null;
}

/** What has to fit for rows of one store to be right in another. */
export interface LaneOrigin {
  readonly schema: number;
  readonly type: string;
  /** Of the daemon that has the store; a row may be of a lower one. */
  readonly typeVersion: number;
  readonly stream: string;
  readonly partition: number;
  /** RFC 3339 of the creation of each stream of which sequences are spoken, null where the store does not know one. */
  readonly created: {
    readonly events: string | null;
    readonly decisions: string | null;
    readonly deadLetters: string | null;
  };
  readonly partitions: number;
}

/** Can the copy tell more of the lane than the store? */
export function isAhead(stand: LaneStand, ours: LaneStand | undefined): boolean {
  return ours === undefined || reach(stand) > reach(ours);
}

function reach({ checkpoint, intactTo }: LaneStand): number {
  return Math.max(checkpoint, intactTo);
}

/** One row: its table, then its values in the order of its columns' names. */
export type CopiedRow = readonly [table: CopiedTable, values: readonly unknown[]];

/** A lane's rows as they are at one moment. Until it is closed, the store's write-ahead log cannot begin anew. */
export interface LaneCopy {
  readonly origin: LaneOrigin;
  readonly stand: LaneStand;
  /** Interrupted after every few rows, also where none is the lane's. Once. */
  rows(): Pieces<void>;
  /** Safe to call twice. */
  close(): void;
}

/** Opens copies of lanes of one store. */
export interface LaneCopies {
  /**
   * Opens a connection of its own, whose one read transaction is the moment.
   *
   * @param take - told each row, in order; `rows` waits for nothing.
   * @returns undefined when the store has nothing of the lane.
   */
  open(lane: Lane, take: (row: CopiedRow) => void): LaneCopy | undefined;
  /** Is a moment of the past read? */
  areOpen(): boolean;
}

const IDS_AT_ONCE = 200;
const ROWIDS_AT_ONCE = 500;

export function createLaneCopies(file: string): LaneCopies {
  let open = 0;
  return {
    open(lane, take) {
      const db = openToRead(file, 20);
      if (db === undefined) return undefined;
      // It reads each page once.
      db.pragma("cache_size = -4096");
      db.exec("BEGIN");
      const stand = readStand(db, lane);
      if (stand === undefined) {
        db.close();
        return undefined;
      }
      open++;
      return {
        ...{ origin: readOrigin(db, lane), stand },
        rows: () => readRows(db, lane, take),
        close() {
          if (db.open) open--;
          db.close();
        },
      };
    },
    areOpen: () => open > 0,
  };
}

/** Undefined when nothing of the lane was ever read. */
export function readStand(db: Database.Database, { stream, partition }: Lane): LaneStand | undefined {
  return db
    .prepare(`SELECT sequence AS checkpoint, complete_to AS intactTo, decisions_sequence AS decisionsTo,
      dead_letters_sequence AS deadLettersTo, decided_by AS decidedBy, heard_ms AS heardMs
      FROM checkpoints WHERE stream = ? AND partition = ?`)
    .get(stream, partition) as LaneStand | undefined;
}

export function readOrigin(db: Database.Database, { type, stream, partition }: Lane): LaneOrigin {
  const known = db.prepare("SELECT created, partitions FROM streams WHERE name = ?").get(stream) as
    | { readonly created: string; readonly partitions: number }
    | undefined;
  const outbox = db.prepare("SELECT created FROM outbox_streams WHERE name = ?").pluck();
  const created = (name: string) => (outbox.get(name) as string | undefined) ?? null;
  return {
    ...{ schema: schemaOf(db), type: type.name, typeVersion: type.version, stream, partition },
    created: {
      events: known?.created ?? null,
      decisions: created("DECISIONS"),
      deadLetters: created("DEAD_LETTERS"),
    },
    partitions: known?.partitions ?? 0,
  };
}

function* readRows(db: Database.Database, lane: Lane, take: (row: CopiedRow) => void): Pieces<void> {
  const read = createRowReader(db, lane, take);
  for (const table of Object.keys(BY_ID) as (keyof typeof BY_ID)[]) {
    for (const id of idsOf(db, table, lane)) {
      if (id !== null) {
        read.ofId(table, id);
        if (table === "actors") yield* read.ofActor(id);
      }
      yield;
    }
  }
  yield* read.deadLetters();
  read.tallies();
}

/** Ids of the lane's actors in a table; null now and then, where many are of other lanes. */
function* idsOf(db: Database.Database, table: keyof typeof BY_ID, lane: Lane): Generator<string | null> {
  const column = BY_ID[table];
  const index = table === "actors" ? "INDEXED BY actors_by_id" : "";
  const select = db
    .prepare(`SELECT DISTINCT ${column} FROM ${table} ${index} WHERE type = ? AND ${column} > ?
      ORDER BY ${column} LIMIT ${IDS_AT_ONCE}`)
    .pluck();
  let after = "";
  for (;;) {
    const ids = select.all(lane.type.name, after) as string[];
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    for (const id of ids) if (lane.holds?.(id) !== false) yield id;
    yield null;
  }
}

function createRowReader(db: Database.Database, { type, partition }: Lane, take: (row: CopiedRow) => void) {
  const prepare = (table: CopiedTable, where: string) => {
    const statement = db.prepare(`SELECT ${columnsOf(db, table)} FROM ${table} WHERE ${where}`).raw();
    return (...of: unknown[]) => {
      for (const row of statement.all(...of) as unknown[][]) take([table, row]);
    };
  };
  const byId = new Map(
    Object.entries(BY_ID).map(([table, column]) => [
      table,
      prepare(table as CopiedTable, `type = ? AND ${column} = ?`),
    ]),
  );
  const selectActor = db.prepare("SELECT key, heard FROM actors WHERE type = ? AND id = ?");
  // An actor may have ten thousand: first where they are, then one by one.
  const heard = createHeardEvents(db);
  const byKey = BY_KEY.map((table) => {
    const read = prepare(table, "rowid = ?");
    if (table === "events") return { placesOf: heard.places, read };
    const places = db.prepare(`SELECT rowid FROM ${table} WHERE actor_key = ? ORDER BY rowid`).pluck();
    return { placesOf: ({ key }: Hearer) => places.all(key) as number[], read };
  });
  const readDeadLetters = prepare(
    "dead_letters",
    "rowid > ? AND rowid <= ? AND type = ? AND partition = ? ORDER BY rowid",
  );
  const selectLast = db.prepare("SELECT coalesce(max(rowid), 0) FROM dead_letters").pluck();
  const readTallies = prepare("tallies", "type = ? AND partition = ?");
  return {
    ofId: (table: keyof typeof BY_ID, id: string) => byId.get(table)?.(type.name, id),
    *ofActor(id: string): Pieces<void> {
      const actor = selectActor.get(type.name, id) as Hearer;
      for (const { placesOf, read } of byKey) {
        for (const [index, rowid] of placesOf(actor).entries()) {
          read(rowid);
          if (index % 16 === 15) yield;
        }
      }
    },
    *deadLetters(): Pieces<void> {
      const last = selectLast.get() as number;
      for (let from = 0; from < last; from += ROWIDS_AT_ONCE) {
        readDeadLetters(from, from + ROWIDS_AT_ONCE, type.name, partition);
        yield;
      }
    },
    tallies: () => readTallies(type.name, partition),
  };
}
