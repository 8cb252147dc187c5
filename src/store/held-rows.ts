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
    | "nextParked"
    | "forgetParked"
    | "behind"
    | "takeParked"
    | "findRetired"
    | "wantRetired"
  > {
  readonly quarantined: RareRows;
  readonly anyParked: RareRows;
  readonly retired: RareRows;
}

/** Actors to which nothing is applied for now. */
export function createHeldRows(db: Database.Database): HeldRows {
  const quarantined = createRareRows(db, "quarantine");
  const retired = createRareRows(db, "retired");
  const anyParked = createRareRows(db, "parked");
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
  const selectNextParked = db.prepare(
    `SELECT ${PARKED.select()} FROM parked ${ofActor} ORDER BY stored_ms, sequence LIMIT 1`,
  );
  const deleteOneParked = db.prepare(`DELETE FROM parked ${ofActor} AND stored_ms = ? AND sequence = ?`);
  const selectBehind = db
    .prepare(`SELECT DISTINCT p.actor_id FROM parked p JOIN actors a ON a.type = p.type AND a.id = p.actor_id
      WHERE p.type = ? AND a.partition = ?`)
    .pluck();
  const deleteParked = db.prepare(`DELETE FROM parked ${ofActor}`);
  return {
    quarantined,
    anyParked,
    retired,
    isQuarantined: (type, actorId) => quarantined.mayExist() && selectQuarantined.get(type, actorId) !== undefined,
    quarantine(row) {
      quarantined.note();
      insertQuarantine.run(quarantine.valuesOf(row));
    },
    endQuarantine: (type, actorId) => void deleteQuarantine.run(type, actorId),
    park(row) {
      anyParked.note();
      insertParked.run(parked.valuesOf(row));
    },
    hasParked: (type, actorId) => anyParked.mayExist() && selectNextParked.get(type, actorId) !== undefined,
    nextParked: (type, actorId) => selectNextParked.get(type, actorId) as ParkedRow | undefined,
    forgetParked: ({ type, actorId, storedAtMs, sequence }) =>
      void deleteOneParked.run(type, actorId, storedAtMs, sequence),
    behind: (lane) => selectBehind.all(lane.type.name, lane.partition) as string[],
    takeParked(type, actorId) {
      const rows = selectParked.all(type, actorId) as ParkedRow[];
      deleteParked.run(type, actorId);
      return rows;
    },
    findRetired: (type, actorId) => (retired.mayExist() ? retiredRows.find(type, actorId) : undefined),
    wantRetired: (type, actorId) => retiredRows.mark(type, actorId, "wanted"),
  };
}
