import type Database from "better-sqlite3";
import { expect, it } from "vitest";
import type { StoredActor } from "../../src/flow/rows.ts";
import { carryOtherTypes } from "../../src/store/carry-types.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { deliver } from "../flow/delivery.ts";
import { meterEvent, meterLane } from "../flow/meters.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";

/** What is learnt of DECISIONS is learnt again; what is staged is nobody's. */
const NOT_CARRIED = ["imported_decisions", "staged"];

/** Each table with rows of meters, events in the order in which they were heard; keys are left out, they are each store's own. */
function metersIn(db: Database.Database): Record<string, unknown[]> {
  const select = (sql: string) => db.prepare(sql).all() as Record<string, unknown>[];
  const tables = select("SELECT name FROM sqlite_master WHERE type = 'table'").map(({ name }) => String(name));
  const rowsOf = (table: string) => {
    const columns = select(`SELECT name FROM pragma_table_info('${table}')`).map(({ name }) => name);
    const order = table === "events" ? "t.rowid" : "1, 2, 3";
    if (columns.includes("type") && table !== "events") {
      return `SELECT * FROM ${table} WHERE type = 'meter' ORDER BY ${columns.length > 2 ? order : "1"}`;
    }
    if (!columns.includes("actor_key")) return undefined;
    return `SELECT t.* FROM ${table} t JOIN actors a ON a.key = actor_key WHERE a.type = 'meter'
      ORDER BY ${table === "anchors" ? "1" : order}`;
  };
  const found = tables.flatMap((table) => {
    const sql = NOT_CARRIED.includes(table) ? undefined : rowsOf(table);
    return sql === undefined
      ? []
      : [[table, select(sql).map(({ key, actor_key, place, heard, ...row }) => row)] as const];
  });
  return Object.fromEntries(found);
}

/** What the busy meter has heard, as its row says it. */
function pastOf({ journal }: Station): object[] {
  const row = journal.findActor("meter", "busy") as StoredActor;
  return [...journal.eventsOf(row)].map(({ actorKey, ...event }) => event);
}

it("all that a store has of a type nobody names is taken over, in the order in which it was heard", () => {
  using old = openStation();
  using rebuilt = openStation();
  const lane = meterLane();
  // Heard against the order of their names, and so many that anchors are kept, and a table of its own.
  const heard = Array.from({ length: 80 }, (_, index) =>
    meterEvent(lane, index + 1, 200 - index, index === 0 ? { type: "Spoiled" } : {}),
  );
  old.processor.apply(heard);
  old.processor.apply([meterEvent(lane, 90, 13, { id: "stopped" }), deliver(91, "meters.busy.Read", "{", { lane })]);
  createLaneRecords(old.db).saveStream("meter", "METERS", "2026-01-01T00:00:00Z", 16);
  old.db.exec(`INSERT INTO retired SELECT 'meter', 'gone', 3, 7, 2, 'digest', 1, 1, 2, 0;
    INSERT INTO parked SELECT 'meter', 'gone', 60, 'meters.3.gone.Read', 1, '[]', x'00';
    INSERT INTO due_versions VALUES ('meter', 1)`);
  rebuilt.processor.apply([orderEvent(1, "a", "PaymentProcessed", { second: 1, status: "failed" })]);

  expect(carryOtherTypes(rebuilt.db, old.file, ["order"])).toEqual(["METERS"]);
  const carried = metersIn(old.db);
  expect(Object.entries(carried).filter(([, rows]) => rows.length === 0)).toEqual([]);
  expect(metersIn(rebuilt.db)).toEqual(carried);
  expect(pastOf(rebuilt)).toEqual(pastOf(old));
  expect(pastOf(rebuilt)).toHaveLength(80);
  expect(rebuilt.db.prepare("SELECT stream, sequence FROM checkpoints ORDER BY 1").raw().all()).toEqual([
    ["METERS", 91],
    ["ORDERS", 1],
  ]);
});
