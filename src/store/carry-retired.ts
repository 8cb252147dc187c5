import type Database from "better-sqlite3";
import type { ParkedRow, RetiredRow } from "../flow/rows.ts";
import { PARKED, RETIRED } from "./tables.ts";

/**
 * Takes retired actors over from another store, with the late events that wait for them. Safe to call twice.
 *
 * @param rows - of one type.
 */
export function carryRetired(db: Database.Database, rows: Iterable<RetiredRow>, parked: Iterable<ParkedRow>): void {
  const retired = RETIRED.insert();
  const late = PARKED.insert();
  const insertRetired = db.prepare(`INSERT OR IGNORE ${retired.into}`);
  const insertParked = db.prepare(`INSERT OR IGNORE ${late.into}`);
  const addTally = db.prepare(`INSERT INTO tallies (type, partition, name, value) VALUES (?, ?, 'retired', 1)
    ON CONFLICT DO UPDATE SET value = value + 1`);
  db.transaction(() => {
    for (const row of rows) {
      if (insertRetired.run(retired.valuesOf(row)).changes === 1) addTally.run(row.type, row.partition);
    }
    for (const row of parked) insertParked.run(late.valuesOf(row));
  })();
}
