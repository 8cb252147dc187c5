import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { ParkedRow } from "../flow/rows.ts";
import { createRareRows, type RareRows } from "./rare-rows.ts";
import { createRetiredRows } from "./retired.ts";
import { PARKED, QUARANTINE } from "./tables.ts";

/** Who is quarantined or retired, and the events kept back until that ends. */
export interface HeldRows
  extends Pick<
    Journal,
    | "isQuarantined"
    | "quarantine"
    | "endQuarantine"
    | "park"
    | "hasParked"
    | "takeParked"
    | "findRetired"
    | "wantRetired"
  > {
  readonly quarantined: RareRows;
  readonly retired: RareRows;
}

/** Actors to which nothing is applied for now. */
export function createHeldRows(db: Database.Database): HeldRows {
  const quarantined = createRareRows(db, "quarantine");
  const retired = createRareRows(db, "retired");
  const retiredRows = createRetiredRows(db);
  const ofActor = "WHERE type = ? AND actor_id = ?";
  const selectQuarantined = db.prepare(`SELECT 1 FROM quarantine ${ofActor}`).pluck();
  const quarantine = QUARANTINE.insert();
  const insertQuarantine = db.prepare(`INSERT ${quarantine.into}
    ON CONFLICT DO UPDATE SET ${QUARANTINE.excluded(["eventType", "error"])}`);
  const deleteQuarantine = db.prepare(`DELETE FROM quarantine ${ofActor}`);
  const parked = PARKED.insert();
  const insertParked = db.prepare(`INSERT OR IGNORE ${parked.into}`);
  const selectParked = db.prepare(`SELECT ${PARKED.select()} FROM parked ${ofActor} ORDER BY stored_ms, sequence`);
  const selectAnyParked = db.prepare(`SELECT 1 FROM parked ${ofActor} LIMIT 1`).pluck();
  const deleteParked = db.prepare(`DELETE FROM parked ${ofActor}`);
  return {
    quarantined,
    retired,
    isQuarantined: (type, actorId) => quarantined.mayExist() && selectQuarantined.get(type, actorId) !== undefined,
    quarantine(row) {
      quarantined.note();
      insertQuarantine.run(quarantine.valuesOf(row));
    },
    endQuarantine: (type, actorId) => void deleteQuarantine.run(type, actorId),
    park: (row) => void insertParked.run(parked.valuesOf(row)),
    hasParked: (type, actorId) => selectAnyParked.get(type, actorId) !== undefined,
    takeParked(type, actorId) {
      const rows = selectParked.all(type, actorId) as ParkedRow[];
      deleteParked.run(type, actorId);
      return rows;
    },
    findRetired: (type, actorId) => (retired.mayExist() ? retiredRows.find(type, actorId) : undefined),
    wantRetired: (type, actorId) => retiredRows.mark(type, actorId, "wanted"),
  };
}
