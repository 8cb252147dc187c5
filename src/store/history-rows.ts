import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { DecisionRow, EventHead, FoundActor, HistoryRows } from "../answers/stored-rows.ts";
import type { HeardEvent } from "../flow/rows.ts";
import { createHeldQuery } from "./quarantine-queries.ts";
import { ACTORS, DECISIONS, EVENTS } from "./tables.ts";

const HEAD_FIELDS = [
  "eventId",
  "type",
  "timestamp",
  "storedAtMs",
  "sequence",
  "outcome",
  "replayed",
  "duplicates",
  "conflicts",
  "correlationId",
] as const satisfies readonly (keyof EventHead)[];

/** One look by key each. */
export function createHistoryRows(db: Database.Database): HistoryRows {
  const findHeld = createHeldQuery(db);
  const selectActor = db.prepare(`SELECT ${ACTORS.select(undefined, "a")}, d.payload AS decision
    FROM actors a LEFT JOIN decisions d ON d.actor_key = a.key AND d.revision = a.revision
    WHERE a.type = ? AND a.id = ?`);
  // From an index alone: to sort an actor's rows would mean to read all of them.
  const selectPlaces = db.prepare("SELECT rowid FROM events WHERE actor_key = ? ORDER BY rowid").pluck();
  const selectEvent = db.prepare(`SELECT ${EVENTS.select()} FROM events WHERE rowid = ? AND actor_key = ?`);
  const selectHead = db.prepare(`SELECT ${EVENTS.select(HEAD_FIELDS)} FROM events WHERE rowid = ? AND actor_key = ?`);
  const selectDecision = db.prepare(`SELECT ${DECISIONS.select(["payload", "published", "causedAtMs"])} FROM decisions
    WHERE actor_key = ? AND revision = ?`);
  return {
    find: db.transaction((type: ActorType, actorId: string): FoundActor | undefined => {
      const row = selectActor.get(type.name, actorId) as NonNullable<FoundActor["row"]> | undefined;
      const held = findHeld(type, actorId);
      if (row !== undefined) return { row, places: selectPlaces.all(row.key) as number[], held };
      return held && { row: null, places: [], held };
    }),
    event: (actorKey, place) => selectEvent.get(place, actorKey) as HeardEvent | undefined,
    eventHead: (actorKey, place) => selectHead.get(place, actorKey) as EventHead | undefined,
    decision: (actorKey, revision) => selectDecision.get(actorKey, revision) as DecisionRow | undefined,
  };
}
