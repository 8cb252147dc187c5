import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it, test } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { openQueries } from "../../src/store/queries.ts";
import { openReader } from "../../src/store/reader.ts";
import { schemaVersion } from "../../src/store/schema.ts";

/*
 * `schemas/` has a small store of every schema that was ever committed, as the natstate of that time wrote it: its number,
 * and a letter where one number had several. Retired and quarantined rows were added by hand. A new migration adds the
 * store of its schema here; none is ever changed.
 */

const SCHEMAS = join(import.meta.dirname, "schemas");
const MIGRATIONS = join(import.meta.dirname, "../../src/store/migrations");
const names = readdirSync(SCHEMAS).map((file) => file.replace(".sql", ""));
const type = orderType as ActorType;

let dir = "";
let file = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-schemas-"));
  file = join(dir, "natstate.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** @param migrations - numbers of those that a natstate of the time in between has applied. */
function writeOld(name: string, migrations: readonly number[] = []): void {
  const db = new Database(file);
  db.pragma("journal_mode = OFF");
  db.pragma("synchronous = OFF");
  db.exec(readFileSync(join(SCHEMAS, `${name}.sql`), "utf8"));
  const scripts = readdirSync(MIGRATIONS).sort();
  for (const number of migrations) db.exec(readFileSync(join(MIGRATIONS, scripts[number - 1] ?? ""), "utf8"));
  const before = db.pragma("user_version", { simple: true }) as number;
  db.pragma(`user_version = ${before + migrations.length}`);
  db.close();
}

/** Everything that matters of a schema: tables with their columns in order, indexes with what they are of. */
function shapeOf(db: Database.Database): unknown {
  const tables = db.prepare("SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name").all();
  return (tables as { name: string }[]).map((table) => ({
    ...table,
    columns: db.pragma(`table_info(${table.name})`),
    indexes: db
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? ORDER BY name")
      .all(table.name),
  }));
}

function currentShape(): unknown {
  const { db, close } = openDatabase(join(dir, "new.db"));
  const shape = shapeOf(db);
  close();
  return shape;
}

test("there is a store of the schema this natstate writes", () => {
  expect(names).toContain(String(schemaVersion()));
});

const between: readonly (readonly [string, readonly number[]])[] = [
  ["1c", [2]],
  ["1d", [2, 3, 4, 5, 6]],
  ["5", [6]],
];

it.each([...names.map((name) => [name, []] as const), ...between])(
  "a store of schema %s, then given %j, opens with all it has, and is then as a new one",
  (name, migrations) => {
    writeOld(name, migrations);
    const { db, close } = openDatabase(file);
    expect(shapeOf(db)).toEqual(currentShape());
    expect(db.pragma("user_version", { simple: true })).toBe(schemaVersion());
    expect(db.prepare("SELECT count(*) FROM events").pluck().get()).toBe(12);
    expect(db.prepare("SELECT max(duplicates) FROM events").pluck().get()).toBe(1);
    expect(createJournal(db).checkpoint({ type, stream: "ORDERS", partition: 1 })).toBe(15);
    const queries = createAnswers(openQueries(file));
    const { orders } = queries.list(type, { limit: 10 }) as unknown as { orders: { orderId: string }[] };
    expect(orders.map(({ orderId }) => orderId).sort()).toEqual(["early", "revised", "waiting", "whole"]);
    const incomplete = queries.list(type, { limit: 10, incomplete: true }) as unknown as { orders: unknown[] };
    expect(incomplete.orders).toHaveLength(3);
    expect(atOnce(queries.get(type, "whole"))).toMatchObject({ processingStatus: "confirmed", version: 5 });
    expect(atOnce(queries.history(type, "revised"))).toMatchObject({ decisions: [{ revision: 1 }, { revision: 2 }] });
    expect(queries.stats(type)).toMatchObject({
      deadLetters: { byReason: { malformed_json: 1, unknown_event_type: 1 } },
    });
    queries.close();
    close();
    // Once more: nothing is done twice.
    openDatabase(file).close();
  },
);

test("of an older store it is known when its partitions were heard of last, and nobody is updated before it was first seen", () => {
  writeOld("11");
  const old = new Database(file);
  old.exec("UPDATE actors SET updated_ms = 5 WHERE id = 'early'");
  old.close();
  const { db, close } = openDatabase(file);
  expect(db.prepare("SELECT partition, heard_ms FROM checkpoints").raw().all()).toEqual([
    [0, 1795696382378],
    [1, 1795696382374],
  ]);
  expect(db.prepare("SELECT count(*) FROM actors WHERE updated_ms < first_seen_ms").pluck().get()).toBe(0);
  close();
});

test("what only reads a store says of an older one what brings it up to date, and leaves it alone", () => {
  for (const name of names.filter((known) => Number(known) !== schemaVersion())) {
    writeOld(name);
    expect(() => openReader(file).close(), name).toThrow(
      /has schema \d+ of \d+: npx natstate start brings it up to date/,
    );
    rmSync(file);
  }
  // The number says more than it has.
  writeOld("1d", [2, 3, 4, 5, 6]);
  expect(() => openReader(file).close()).toThrow(/npx natstate start brings it up to date/);
});

test("a store that is not what its number says is named, with what to do, and stays as it was", () => {
  const odd = new Database(file);
  odd.exec("CREATE TABLE events (a); PRAGMA user_version = 2");
  odd.close();
  expect(() => openDatabase(file)).toThrow(
    /has schema 2 of \d+ and cannot be brought up to date .*npx natstate rebuild/,
  );
  const after = new Database(file);
  expect(after.prepare("SELECT name FROM sqlite_schema").pluck().all()).toEqual(["events"]);
  expect(after.pragma("user_version", { simple: true })).toBe(2);
  after.close();
});
