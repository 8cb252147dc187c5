import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import { MAX_PARKED_SHOWN } from "../answers/quarantine.ts";
import type { Held, QuarantinedActor, QuarantinedRow, StoredRows } from "../answers/stored-rows.ts";
import { eventTypeOf } from "../wire/names.ts";
import { PARKED, QUARANTINE } from "./tables.ts";

/** What is of an actor's quarantine, of a row joined with the one of `quarantine`, as `q`, that it may have. */
export const NOTICE_COLUMNS = `${QUARANTINE.select(["eventType", "error", "sinceMs"], "q")},
  iif(q.actor_id IS NULL, NULL, (SELECT count(*) FROM parked p WHERE p.type = q.type AND p.actor_id = q.actor_id)) AS parked`;

const COLUMNS = `q.actor_id AS actorId, ${NOTICE_COLUMNS}`;

/** Questions about actors whose machine failed. */
export function createQuarantineQueries(db: Database.Database): Pick<StoredRows, "quarantined" | "quarantine"> {
  const selectPage = db.prepare(`SELECT ${COLUMNS} FROM quarantine q WHERE type = :type AND actor_id > :after
    AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))
    ORDER BY actor_id LIMIT :limit`);
  const selectOne = db.prepare(`SELECT ${COLUMNS} FROM quarantine q WHERE type = ? AND actor_id = ?`);
  const selectParked =
    db.prepare(`SELECT ${PARKED.select(["sequence", "subject", "storedAtMs"])}, length(body) AS bytes FROM parked
    WHERE type = ? AND actor_id = ? ORDER BY stored_ms, sequence LIMIT ${MAX_PARKED_SHOWN}`);
  const selectBody = db
    .prepare("SELECT body FROM parked WHERE type = ? AND actor_id = ? ORDER BY stored_ms, sequence LIMIT 1")
    .pluck();
  return {
    quarantined(type, { after = "", limit, partitions }) {
      const own = partitions === undefined ? null : JSON.stringify(partitions);
      return selectPage.all({ type: type.name, after, limit: limit + 1, partitions: own }) as QuarantinedRow[];
    },
    quarantine: db.transaction((type: ActorType, actorId: string) => {
      const row = selectOne.get(type.name, actorId) as QuarantinedRow | undefined;
      if (row === undefined) return undefined;
      const events = selectParked.all(type.name, actorId) as QuarantinedActor["events"];
      return { ...row, events, body: selectBody.get(type.name, actorId) as Buffer | undefined };
    }),
  };
}

/** One look by key. */
export function createHeldQuery(db: Database.Database): (type: ActorType, actorId: string) => Held | undefined {
  const select = db.prepare(`SELECT ${NOTICE_COLUMNS} FROM quarantine q WHERE type = ? AND actor_id = ?`);
  const selectSubjects = db
    // Of an actor that keeps back a great many the first: looking through all holds up everybody's answers.
    .prepare(`SELECT DISTINCT subject FROM (SELECT subject FROM parked WHERE type = ? AND actor_id = ? LIMIT 1000)
      ORDER BY subject`)
    .pluck();
  return (type, actorId) => {
    const row = select.get(type.name, actorId) as Omit<Held, "arrived"> | undefined;
    if (row === undefined) return undefined;
    const subjects = selectSubjects.all(type.name, actorId) as string[];
    return { ...row, arrived: new Set(subjects.map(eventTypeOf)) };
  };
}
