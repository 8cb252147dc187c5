import type Database from "better-sqlite3";
import type { Queries } from "../answers/queries.ts";
import { rfc3339 } from "../answers/rfc-3339.ts";
import type { RetiredRow } from "../flow/rows.ts";
import { RETIRED } from "./tables.ts";

/** One look by key. */
export function createRetiredQuery(db: Database.Database): Queries["retired"] {
  const select = db.prepare(`SELECT ${RETIRED.select()}, (SELECT count(*) FROM parked p WHERE p.type = retired.type
    AND p.actor_id = retired.actor_id) AS parked FROM retired WHERE type = ? AND actor_id = ?`);
  return (type, actorId) => {
    const row = select.get(type.name, actorId) as (RetiredRow & { readonly parked: number }) | undefined;
    if (row === undefined) return undefined;
    const { status, retiredAtMs, updatedAtMs, events, revision, parked } = row;
    return {
      [type.idField]: actorId,
      status,
      retiredAt: rfc3339(retiredAtMs),
      lastUpdated: rfc3339(updatedAtMs),
      version: events,
      revision,
      parked,
    };
  };
}
