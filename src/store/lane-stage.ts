import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import type { Pieces } from "../flow/pieces.ts";
import type { Lane } from "../wire/lanes.ts";
import { removeStore } from "./copy.ts";
import { PAGE_BYTES } from "./database.ts";
import { createHeardRebuild, type HeardRebuild } from "./heard-rebuild.ts";
import { type Adopter, adopt, hasNothing, type StagedActors } from "./lane-adoption.ts";
import { type CopiedRow, type LaneOrigin, type LaneStand, readOrigin } from "./lane-copy.ts";
import { BY_ID, BY_KEY, COPIED_TABLES, type CopiedTable, columnsOf, isOfActors } from "./lane-tables.ts";
import { migrate } from "./schema.ts";
import { clearStaged, createStagedKeys } from "./staged-actors.ts";
import { StoreError } from "./store-error.ts";

/**
 * A copy of a lane on its way into a store, nobody's until it is adopted. Where the store has nothing of the lane, and nobody
 * reads it, actors and what is theirs are in its own tables from the beginning, see `staged-actors.ts`; all else is beside
 * the store.
 */
export interface LaneStage {
  /**
   * In one transaction.
   *
   * @throws StoreError when it is no row of the lane, or not the one that was written.
   */
  add(rows: readonly CopiedRow[]): void;
  /**
   * Puts the copy in the place of what the store has of the lane, in one transaction: all of it or nothing.
   *
   * @param stand - where the lane stood when it was copied.
   * @throws StoreError when the store has come further meanwhile.
   */
  adopt(stand: LaneStand): void;
  /** Removes what was staged, and is not adopted. Safe to call twice. */
  close(): Pieces<void>;
  /** Leaves what of it is in the store's own tables to whoever opens that next. */
  leave(): void;
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

/**
 * Begins an empty one; what a process that was killed has left beside the store is removed.
 *
 * @param isRead - events of the lane may be applied meanwhile: then all of it is beside the store.
 */
export function openLaneStage(adopter: Adopter, lane: Lane, isRead = false): LaneStage {
  const file = stageFileOf(adopter.file, lane);
  removeStore(file);
  const db = new Database(file);
  // A crash leaves what nobody reads.
  db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma("journal_mode = OFF");
  db.pragma("synchronous = OFF");
  migrate(db);
  const beside = createTaking(db, lane, COPIED_TABLES);
  function leave(): void {
    db.close();
    removeStore(file);
  }
  const actors = !isRead && hasNothing(adopter.db, lane) ? stageActors(adopter, lane) : undefined;

  return {
    add(rows) {
      if (actors === undefined) return beside(rows);
      const ofActors = rows.filter(([table]) => isOfActors(table));
      if (ofActors.length > 0) actors.add(ofActors);
      if (ofActors.length < rows.length) beside(rows.filter(([table]) => !isOfActors(table)));
    },
    adopt(stand) {
      refuseStrays(db);
      db.close();
      adopt(adopter, lane, { file, stand, actors });
      removeStore(file);
    },
    *close() {
      leave();
      yield* clearStaged(adopter.db, lane);
    },
    leave,
  };
}

function stageActors({ db, journal }: Adopter, lane: Lane): StagedActors {
  const keys = createStagedKeys(db, lane, journal);
  let areOfOthers = false;
  /** The actor that came last: what is one's comes behind it. */
  let actor: { readonly theirs: unknown; readonly ours: number } | undefined;
  const add = createTaking(db, lane, ["actors", ...BY_KEY], (table, columns) => {
    const [key, version] = [
      columns.indexOf(table === "actors" ? "key" : "actor_key"),
      columns.indexOf("machine_version"),
    ];
    return (values) => {
      if (table === "actors") actor = { theirs: values[key], ours: keys.next() };
      areOfOthers ||= version >= 0 && values[version] !== lane.type.version;
      if (actor?.theirs !== values[key]) throw new StoreError(`a copy has rows in ${table} whose actor is not in it`);
      return values.with(key, actor?.ours);
    };
  });
  return { add, keep: keys.keep, areOfOthers: () => areOfOthers };
}

/** Makes a row one of another store. */
type Translate = (table: CopiedTable, columns: readonly string[]) => (values: readonly unknown[]) => readonly unknown[];

/** @returns inserts rows of these tables, in one transaction. */
function createTaking(
  db: Database.Database,
  lane: Lane,
  tables: readonly CopiedTable[],
  translate: Translate = () => (values) => values,
): (rows: readonly CopiedRow[]) => void {
  const heard = createHeardRebuild(db);
  const inserts = new Map(
    tables.map((table) => [table as string, prepareInsert(db, table, { lane, heard, translate })]),
  );
  const take = db.transaction((rows: readonly CopiedRow[]) => {
    for (const [table, values] of rows) {
      const insert = inserts.get(table);
      if (insert === undefined) throw new StoreError(`a copy has rows of ${table}, which no lane has`);
      insert(values);
    }
    heard.save();
  });
  return take.immediate;
}

interface Inserting {
  readonly lane: Lane;
  readonly heard: HeardRebuild;
  readonly translate: Translate;
}

/** SQLite holds each value against its column, and keys against each other. */
function prepareInsert(
  db: Database.Database,
  table: CopiedTable,
  { lane, heard, translate }: Inserting,
): (values: readonly unknown[]) => void {
  const columns = columnsOf(db, table);
  const insert = db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => "?")})`);
  const at = (column: string) => columns.indexOf(column);
  const toOurs = translate(table, columns);
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
    const ours = toOurs(values);
    try {
      const { lastInsertRowid } = insert.run(ours);
      if (table === "events") noteHeard(ours, Number(lastInsertRowid));
    } catch (error) {
      throw new StoreError(`a copy has a row in ${table} that does not fit: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
}

/** Rows of an actor that has none itself. */
function refuseStrays(db: Database.Database): void {
  for (const table of BY_KEY) {
    const stray = db
      .prepare(`SELECT count(*) FROM ${table} WHERE actor_key NOT IN (SELECT key FROM actors)`)
      .pluck()
      .get() as number;
    if (stray > 0) throw new StoreError(`a copy has ${stray} rows in ${table} whose actor is not in it`);
  }
}
