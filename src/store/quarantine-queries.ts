import { isUtf8 } from "node:buffer";
import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import {
  MAX_PARKED_SHOWN,
  type ParkedEvent,
  type QuarantineEntry,
  type QuarantineQueries,
} from "../answers/quarantine.ts";
import type { QuarantineNotice } from "../answers/queries.ts";
import { rfc3339 } from "../answers/rfc-3339.ts";
import { NOTICE_COLUMNS, type NoticeRow, readNotice } from "./quarantine-notice.ts";
import { PARKED } from "./tables.ts";

interface Row extends NoticeRow {
  readonly id: string;
}

interface ParkedHead {
  readonly sequence: number;
  readonly subject: string;
  readonly storedAtMs: number;
  readonly bytes: number;
}

const COLUMNS = `q.actor_id AS id, ${NOTICE_COLUMNS}`;

/** Questions about actors whose machine failed. */
export function createQuarantineQueries(db: Database.Database): QuarantineQueries {
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
      const rows = selectPage.all({
        type: type.name,
        after,
        limit: limit + 1,
        partitions: partitions === undefined ? null : JSON.stringify(partitions),
      }) as Row[];
      return {
        [type.collection]: rows.slice(0, limit).map((row) => toEntry(type, row)),
        more: rows.length > limit,
      };
    },
    quarantine: db.transaction((type: ActorType, actorId: string) => {
      const row = selectOne.get(type.name, actorId) as Row | undefined;
      if (row === undefined) return undefined;
      const body = selectBody.get(type.name, actorId) as Buffer | undefined;
      const [first, ...others] = (selectParked.all(type.name, actorId) as ParkedHead[]).map(toEvent);
      const text = body !== undefined && isUtf8(body) ? body.toString("utf8") : null;
      return { ...toEntry(type, row), events: first === undefined ? [] : [{ ...first, body: text }, ...others] };
    }),
  };
}

function toEntry(type: ActorType, row: Row): QuarantineEntry {
  return { [type.idField]: row.id, ...(readNotice(row) as QuarantineNotice) };
}

function toEvent({ sequence, subject, storedAtMs, bytes }: ParkedHead): ParkedEvent {
  const eventType = subject.slice(subject.lastIndexOf(".") + 1);
  return { sequence, eventType, receivedAt: rfc3339(storedAtMs), bytes };
}
