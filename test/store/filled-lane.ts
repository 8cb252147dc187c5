import type Database from "better-sqlite3";
import { createHeardEvents } from "../../src/store/heard-events.ts";
import { COPIED_TABLES, STANDS_IN } from "../../src/store/lane-tables.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { type Lane, lanesOf } from "../../src/wire/lanes.ts";
import { deliver } from "../flow/delivery.ts";
import { meterEvent, meterLane } from "../flow/meters.ts";
import { openStation, type Station } from "../flow/station.ts";

/** Meters in four partitions. */
export const lanes = lanesOf(meterLane().type, 4);
export const laneOf = (id: string) => lanes.find((lane) => lane.holds?.(id)) as Lane;
/** The one that is copied. */
export const LANE = laneOf("busy");
/** Further meters of it. */
export const ALSO_OURS = Array.from({ length: 40 }, (_, index) => `m-${index}`).filter((id) => laneOf(id) === LANE);

/** A store that knows its streams as another one does. */
export function openKnown(): Station {
  const station = openStation();
  createLaneRecords(station.db).saveStream("meter", "METERS", "2026-01-01T00:00:00Z", lanes.length);
  return station;
}

/** A store with something of several lanes in every table; events are heard against the order of their names. */
export function openFilled(): Station {
  const station = openKnown();
  const { db, processor } = station;
  let sequence = 0;
  const heard = (id: string, events: number) =>
    Array.from({ length: events }, (_, index) =>
      meterEvent(laneOf(id), ++sequence, 100 - index, { id, ...(index === 0 ? { type: "Spoiled" } : {}) }),
    );
  processor.apply(heard("busy", 40));
  processor.apply(Array.from({ length: 12 }, (_, index) => heard(`m-${index}`, 3)).flat());
  for (const id of ["stopped", ...ALSO_OURS]) {
    const lane = laneOf(id);
    processor.apply([meterEvent(lane, ++sequence, 13, { id: `${id}-stopped` })]);
    processor.apply([deliver(++sequence, `meters.${id}.Read`, "{", { lane })]);
  }
  const retire = db.prepare("INSERT INTO retired VALUES ('meter', ?, ?, 7, 2, 'digest', 1, 1, 2, 'wanted')");
  const park = db.prepare("INSERT INTO parked VALUES ('meter', ?, 60, 'meters.3.gone.Read', 1, '[]', x'00ff')");
  const learn = db.prepare("INSERT INTO imported_decisions VALUES ('meter', ?, 1, ?, 9, '{}', 5)");
  for (const id of Array.from({ length: 9 }, (_, index) => `old-${index}`)) {
    retire.run(id, laneOf(id).partition);
    park.run(id);
    learn.run(id, laneOf(id).partition);
  }
  db.exec(
    "UPDATE checkpoints SET complete_to = sequence + 3, decisions_sequence = 4, dead_letters_sequence = 2, decided_by = 7",
  );
  return station;
}

/** What tells in which order they came; among the rows of one actor, where it is one. */
const ORDERS: Readonly<Record<string, string>> = {
  actors: "id",
  anchors: "(SELECT id FROM actors WHERE key = actor_key)",
  events: "(SELECT id FROM actors WHERE key = actor_key), rowid",
  decisions: "actor_id, revision",
  parked: "actor_id, rowid",
  dead_letters: "rowid",
};

/** Every table's rows of the lane, in the order in which they came; keys are left out, they are each store's own. */
export function contentsOf(db: Database.Database): Record<string, unknown[]> {
  const ofActors = "actor_key IN (SELECT key FROM actors WHERE partition = ?)";
  const { places } = createHeardEvents(db);
  const selectEvent = db.prepare("SELECT type, event_id FROM events WHERE place = ? AND actor_key = ?");
  const withHeard = (row: object, key: unknown, heard: unknown) => ({
    ...row,
    heard: places({ key: key as number, heard: heard as Uint8Array }).map((place) => selectEvent.get(place, key)),
  });
  return Object.fromEntries(
    [...COPIED_TABLES, STANDS_IN].map((table) => {
      const columns = db.prepare("SELECT name FROM pragma_table_info(?)").pluck().all(table) as string[];
      const hasPartition = columns.includes("partition");
      const where = hasPartition ? "partition = ?" : columns.includes("actor_key") ? ofActors : "? >= 0";
      const order = ORDERS[table] ?? columns.slice(0, 3).join();
      const rows = db.prepare(`SELECT * FROM ${table} WHERE ${where} ORDER BY ${order}`).all(LANE.partition) as Record<
        string,
        unknown
      >[];
      const own = table === "parked" ? rows.filter((row) => laneOf(String(row.actor_id)) === LANE) : rows;
      return [
        table,
        own.map(({ key, actor_key, place, heard, ...row }) => (heard === undefined ? row : withHeard(row, key, heard))),
      ];
    }),
  );
}
