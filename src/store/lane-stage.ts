import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import type { Pieces } from "../flow/pieces.ts";
import type { Lane } from "../wire/lanes.ts";
import { removeStore } from "./copy.ts";
import { PAGE_BYTES } from "./database.ts";
import { createHeardRebuild, type HeardRebuild } from "./heard-rebuild.ts";
import { type Adopter, adoptInPieces, inWindows } from "./lane-adoption.ts";
import { type CopiedRow, type LaneOrigin, type LaneStand, readOrigin } from "./lane-copy.ts";
import { BY_ID, BY_KEY, COPIED_TABLES, type CopiedTable, columnsOf } from "./lane-tables.ts";
import { migrate } from "./schema.ts";
import { StoreError } from "./store-error.ts";

/** A copy of a lane on its way into a store: beside it, and nothing of it is in the store until all of it is. */
export interface LaneStage {
  /** @throws StoreError when it is no row of the lane, or not the one that was written. */
  add(rows: readonly CopiedRow[]): void;
  /** Puts the copy in the place of what the store has of the lane, as `adoptInPieces` does. */
  adopt(stand: LaneStand): Pieces<void>;
  /** Removes what was staged. Safe to call twice. */
  close(): void;
}

/** Why rows of that origin would be wrong in this store, undefined when they fit. */
export function findMisfit(db: Database.Database, lane: Lane, theirs: LaneOrigin): string | undefined {
  const ours = readOrigin(db, lane);
  const misfit = (what: string, of: number | string | null, own: number | string | null) =>
    `${what} is ${of} there and ${own} here`;
  if (theirs.schema !== ours.schema) return misfit("the store's schema", theirs.schema, ours.schema);
  if (theirs.type !== ours.type) return misfit("the actor type", theirs.type, ours.type);
  // A lower version would fold them anew by its own rules, and revise what the higher one has decided.
  if (theirs.typeVersion > ours.typeVersion) {
    return `version ${theirs.typeVersion} of ${theirs.type} keeps it there, and this daemon has version ${ours.typeVersion}`;
  }
  if (theirs.stream !== ours.stream || theirs.partition !== ours.partition) {
    return misfit("the partition", `${theirs.partition} of ${theirs.stream}`, `${ours.partition} of ${ours.stream}`);
  }
  if (theirs.partitions !== ours.partitions)
    return misfit("the number of partitions", theirs.partitions, ours.partitions);
  for (const name of ["events", "decisions", "deadLetters"] as const) {
    if (theirs.created[name] === ours.created[name]) continue;
    return misfit(`the creation of the stream of ${name}`, theirs.created[name], ours.created[name]);
  }
  return undefined;
}

/** Where the stage of a lane is; there is one at a time. */
export function stageFileOf(storeFile: string, { stream, partition }: Lane): string {
  return `${storeFile}.copy-${stream}-${partition}`;
}

const STRAYS_AT_ONCE = 1000;

/** Begins an empty one; what a process that was killed has left of it is removed. */
export function openLaneStage(adopter: Adopter, lane: Lane): LaneStage {
  const file = stageFileOf(adopter.file, lane);
  removeStore(file);
  const db = new Database(file);
  // A crash leaves what nobody reads.
  db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma("journal_mode = OFF");
  db.pragma("synchronous = OFF");
  migrate(db);
  const heard = createHeardRebuild(db);
  const inserts = new Map(COPIED_TABLES.map((table) => [table as string, prepareInsert(db, table, lane, heard)]));
  let isOpen = true;

  function close(): void {
    if (isOpen) db.close();
    isOpen = false;
    removeStore(file);
  }

  return {
    add: db.transaction((rows: readonly CopiedRow[]) => {
      for (const [table, values] of rows) {
        const insert = inserts.get(table);
        if (insert === undefined) throw new StoreError(`a copy has rows of ${table}, which no lane has`);
        insert(values);
      }
      heard.save();
    }),
    *adopt(stand) {
      yield* refuseStrays(db);
      db.close();
      isOpen = false;
      yield* adoptInPieces(adopter, file, lane, stand);
      close();
    },
    close,
  };
}

/** SQLite holds each value against its column, and keys against each other. */
function prepareInsert(
  db: Database.Database,
  table: CopiedTable,
  lane: Lane,
  heard: HeardRebuild,
): (values: readonly unknown[]) => void {
  const columns = columnsOf(db, table);
  const insert = db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => "?")})`);
  const at = (column: string) => columns.indexOf(column);
  const [type, partition, id] = [
    at("type"),
    at("partition"),
    at(table in BY_ID ? BY_ID[table as keyof typeof BY_ID] : ""),
  ];
  const [snapshot, checksum, version] = [at("snapshot"), at("checksum"), at("machine_version")];
  const refuse = (what: string) => new StoreError(`a copy has a row in ${table} that ${what}`);
  const noteHeard = (values: readonly unknown[], place: number) => {
    const event = { type: String(values[type]), eventId: String(values[at("event_id")]) };
    heard.add(Number(values[at("actor_key")]), event, place);
  };
  return (values) => {
    if (values.length !== columns.length) throw refuse(`has ${values.length} of ${columns.length} columns`);
    // The events' own type is that of the event.
    if (type >= 0 && table !== "events" && values[type] !== lane.type.name) throw refuse("is of another actor type");
    if (partition >= 0 && values[partition] !== lane.partition) throw refuse("is of another partition");
    if (id >= 0 && lane.holds?.(String(values[id])) === false) throw refuse("is of another partition's actor");
    if (version >= 0 && Number(values[version]) > lane.type.version) throw refuse("is of a higher version of its type");
    if (snapshot >= 0 && crc32(String(values[snapshot])) !== values[checksum])
      throw refuse("does not match its checksum");
    try {
      const { lastInsertRowid } = insert.run(values);
      if (table === "events") noteHeard(values, Number(lastInsertRowid));
    } catch (error) {
      throw new StoreError(`a copy has a row in ${table} that does not fit: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
}

/** Rows of an actor that has none itself. */
function* refuseStrays(db: Database.Database): Pieces<void> {
  for (const table of BY_KEY) {
    const strays = db
      .prepare(`SELECT count(*) FROM ${table} WHERE rowid > ? AND rowid <= ?
        AND actor_key NOT IN (SELECT key FROM actors)`)
      .pluck();
    let found = 0;
    yield* inWindows(db, table, STRAYS_AT_ONCE, (from, to) => {
      found += strays.get(from, to) as number;
    });
    if (found > 0) throw new StoreError(`a copy has ${found} rows in ${table} whose actor is not in it`);
  }
}
