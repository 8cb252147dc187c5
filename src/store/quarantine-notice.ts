import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { QuarantineNotice } from "../answers/queries.ts";
import { rfc3339 } from "../answers/rfc-3339.ts";
import type { Held } from "../answers/stored-answers.ts";
import { QUARANTINE } from "./tables.ts";

/** The columns {@link readNotice} reads, of a row joined with the one of `quarantine`, as `q`, that it may have. */
export const NOTICE_COLUMNS = `${QUARANTINE.select(["eventType", "error", "sinceMs"], "q")},
  iif(q.actor_id IS NULL, NULL, (SELECT count(*) FROM parked p WHERE p.type = q.type AND p.actor_id = q.actor_id)) AS parked`;

/** A row with {@link NOTICE_COLUMNS}; null when the actor is not quarantined. */
export interface NoticeRow {
  readonly eventType: string | null;
  readonly error: string | null;
  readonly sinceMs: number | null;
  readonly parked: number | null;
}

/** What a row says of its actor's quarantine. */
export function readNotice({ eventType, error, sinceMs, parked }: NoticeRow): QuarantineNotice | undefined {
  if (eventType === null || error === null || sinceMs === null) return undefined;
  return { eventType, error, since: rfc3339(sinceMs), parked: parked ?? 0 };
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
    const row = select.get(type.name, actorId) as NoticeRow | undefined;
    const notice = row && readNotice(row);
    if (notice === undefined) return undefined;
    const subjects = selectSubjects.all(type.name, actorId) as string[];
    return { notice, arrived: new Set(subjects.map((subject) => subject.slice(subject.lastIndexOf(".") + 1))) };
  };
}
