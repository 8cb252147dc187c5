import type Database from "better-sqlite3";
import type { StoredRows } from "../answers/stored-rows.ts";
import { RETIRED } from "./tables.ts";

/** One look by key. */
export function createRetiredQuery(db: Database.Database): StoredRows["retired"] {
  const select = db.prepare(`SELECT ${RETIRED.select()}, (SELECT count(*) FROM parked p WHERE p.type = retired.type
    AND p.actor_id = retired.actor_id) AS parked FROM retired WHERE type = ? AND actor_id = ?`);
  return (type, actorId) => select.get(type.name, actorId) as ReturnType<StoredRows["retired"]>;
}
