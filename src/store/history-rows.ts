import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { DecisionRow, EventHead, FoundActor, HistoryRows } from "../answers/stored-rows.ts";
import type { HeardEvent } from "../flow/rows.ts";
import { createHeardEvents } from "./heard-events.ts";
import { createHeldQuery } from "./quarantine-queries.ts";
import { isKept } from "./staged-actors.ts";
import { ACTORS, DECISIONS, EVENTS } from "./tables.ts";

/** One look by key each. */
export function createHistoryRows(db: Database.Database): HistoryRows {
  const findHeld = createHeldQuery(db);
  const selectActor = db.prepare(`SELECT ${ACTORS.select(undefined, "a")}, d.payload AS decision
    FROM actors a LEFT JOIN decisions d ON d.actor_key = a.key AND d.revision = a.revision
    WHERE a.type = ? AND a.id = ? AND ${isKept("a.key")}`);
  const heard = createHeardEvents(db);
  const selectEvent = db.prepare(`SELECT ${EVENTS.select()} FROM events WHERE place = ? AND actor_key = ?`);
  const selectHead = db.prepare(
    `SELECT ${EVENTS.select(EVENTS.without("actorKey", "body"))} FROM events WHERE place = ? AND actor_key = ?`,
  );
  const selectDecision = db.prepare(`SELECT ${DECISIONS.select(["payload", "published", "causedAtMs"])} FROM decisions
    WHERE actor_key = ? AND revision = ?`);
  return {
    find: db.transaction((type: ActorType, actorId: string): FoundActor | undefined => {
      const row = selectActor.get(type.name, actorId) as NonNullable<FoundActor["row"]> | undefined;
      const held = findHeld(type, actorId);
      if (row !== undefined) return { row, places: heard.places(row), held };
      return held && { row: null, places: [], held };
    }),
    event: (actorKey, place) => selectEvent.get(place, actorKey) as HeardEvent | undefined,
    eventHead: (actorKey, place) => selectHead.get(place, actorKey) as EventHead | undefined,
    decision: (actorKey, revision) => selectDecision.get(actorKey, revision) as DecisionRow | undefined,
  };
}
