import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { Lane } from "../wire/lanes.ts";
import { removeStore } from "./copy.ts";
import { PAGE_BYTES } from "./database.ts";
import { movedBy } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";
import { createHeardRebuild, type HeardRebuild } from "./heard-rebuild.ts";
import { type CopiedRow, isAhead, type LaneOrigin, type LaneStand, readOrigin, readStand } from "./lane-copy.ts";
import {
  allColumnsOf,
  BY_ID,
  BY_KEY,
  COPIED_TABLES,
  type CopiedTable,
  columnsOf,
  OF_PLACES,
  STANDS_IN,
} from "./lane-tables.ts";
import { migrate } from "./schema.ts";
import { StoreError } from "./store-error.ts";

/** A copy of a lane on its way into a store: beside it, and nothing of it is in the store until all of it is. */
export interface LaneStage {
  /** @throws StoreError when it is no row of the lane, or not the one that was written. */
  add(rows: readonly CopiedRow[]): void;
  /**
   * Puts the copy in the place of what the store has of the lane, in one transaction: all of it or nothing.
   *
   * @param stand - where the lane stood when it was copied.
   * @throws StoreError when the store has come further meanwhile.
   */
  adopt(stand: LaneStand): void;
  /** Removes what was staged. Safe to call twice. */
  close(): void;
}

/** The store that takes a copy. */
export interface Adopter {
  readonly db: Database.Database;
  readonly file: string;
  readonly journal: Pick<Journal, "nextActorKey">;
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
    adopt(stand) {
      refuseStrays(db);
      db.close();
      isOpen = false;
      adopt(adopter, file, lane, stand);
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
function refuseStrays(db: Database.Database): void {
  for (const table of BY_KEY) {
    const stray = db
      .prepare(`SELECT count(*) FROM ${table} WHERE actor_key NOT IN (SELECT key FROM actors)`)
      .pluck()
      .get() as number;
    if (stray > 0) throw new StoreError(`a copy has ${stray} rows in ${table} whose actor is not in it`);
  }
}

function adopt({ db, journal }: Adopter, file: string, lane: Lane, stand: LaneStand): void {
  db.prepare("ATTACH ? AS copied").run(file);
  try {
    db.transaction(() => {
      if (!isAhead(stand, readStand(db, lane))) throw new StoreError("the store has come further than the copy");
      deleteLane(db, lane);
      for (const table of COPIED_TABLES) if (!isByKey(table) && table !== "actors") insertAll(db, table);
      insertActors(db, journal);
      const { checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs } = stand;
      db.prepare(`INSERT INTO ${STANDS_IN} (stream, partition, sequence, complete_to, decisions_sequence,
        dead_letters_sequence, decided_by, heard_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(
        ...[lane.stream, lane.partition, checkpoint, intactTo, decisionsTo, deadLettersTo, decidedBy, heardMs],
      );
      renewDue(db, lane);
    }).immediate();
  } finally {
    db.exec("DETACH copied");
  }
}

function isByKey(table: CopiedTable): boolean {
  return BY_KEY.some((name) => name === table);
}

function deleteLane(db: Database.Database, lane: Lane): void {
  const { type, stream, partition } = lane;
  db.function("is_of_lane", { deterministic: true }, (id) => Number(lane.holds?.(String(id)) !== false));
  const keys = "SELECT key FROM main.actors WHERE type = ? AND partition = ?";
  const { deleteAll } = createHeardEvents(db);
  for (const key of db.prepare(keys).pluck().all(type.name, partition) as number[]) deleteAll(key);
  for (const table of BY_KEY) {
    if (table === "events") continue;
    db.prepare(`DELETE FROM main.${table} WHERE actor_key IN (${keys})`).run(type.name, partition);
  }
  for (const table of COPIED_TABLES) {
    if (isByKey(table)) continue;
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
function renewDue(db: Database.Database, { type, partition }: Lane): void {
  db.prepare(`DELETE FROM due_versions WHERE type = ? AND EXISTS
    (SELECT 1 FROM copied.actors WHERE machine_version <> ? AND partition = ?)`).run(
    type.name,
    type.version,
    partition,
  );
}
