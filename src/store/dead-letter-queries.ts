import { isUtf8 } from "node:buffer";
import type Database from "better-sqlite3";
import { encodeCursor } from "../answers/cursor.ts";
import type { DeadLetter, DeadLetterSummary } from "../answers/dead-letters.ts";
import type { Queries } from "../answers/queries.ts";
import { rfc3339 } from "../answers/rfc-3339.ts";
import { DEAD_LETTERS } from "./tables.ts";

interface SummaryRow
  extends Omit<DeadLetterSummary, "receivedAt" | "published" | "streamSequence" | "deadLetterSequence"> {
  readonly storedAtMs: number;
}

interface FullRow extends SummaryRow {
  readonly headers: string;
  readonly body: Buffer;
}

const SUMMARY_COLUMNS = `${DEAD_LETTERS.select(["stream", "sequence", "reason", "error", "subject", "storedAtMs"])},
  length(body) AS bytes, published AS publishedSequence`;

/** Questions about what could not be applied. */
export function createDeadLetterQueries(db: Database.Database): Pick<Queries, "deadLetters" | "deadLetter"> {
  const selectPage = db.prepare(`SELECT ${SUMMARY_COLUMNS} FROM dead_letters INDEXED BY dead_letters_by_sequence
    WHERE type = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`);
  const selectPageOfReason = db.prepare(`SELECT ${SUMMARY_COLUMNS} FROM dead_letters INDEXED BY dead_letters_by_reason
    WHERE type = ? AND reason = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`);
  const selectOne = db.prepare(`SELECT ${SUMMARY_COLUMNS}, headers, body FROM dead_letters
    INDEXED BY dead_letters_by_sequence WHERE type = ? AND sequence = ?`);

  return {
    deadLetters(type, { reason, limit, after: [before] = [Number.MAX_SAFE_INTEGER] }) {
      const found = (
        reason === undefined
          ? selectPage.all(type.name, before, limit + 1)
          : selectPageOfReason.all(type.name, reason, before, limit + 1)
      ) as SummaryRow[];
      const rows = found.slice(0, limit);
      const last = found.length > limit ? rows.at(-1) : undefined;
      return {
        deadLetters: rows.map(toSummary),
        nextCursor: last === undefined ? null : encodeCursor("dead", [last.sequence]),
      };
    },
    deadLetter(type, sequence) {
      const row = selectOne.get(type.name, sequence) as FullRow | undefined;
      return row && { ...toSummary(row), headers: readHeaders(row.headers), ...readBody(row.body) };
    },
  };
}

function toSummary(row: SummaryRow): DeadLetterSummary {
  return {
    stream: row.stream,
    sequence: row.sequence,
    reason: row.reason,
    error: row.error,
    subject: row.subject,
    receivedAt: rfc3339(row.storedAtMs),
    bytes: row.bytes,
    published: row.publishedSequence !== null,
    publishedSequence: row.publishedSequence,
    streamSequence: row.sequence,
    deadLetterSequence: row.publishedSequence,
  };
}

/** Without what the server puts on every message it hands to a pinned consumer. */
function readHeaders(json: string): DeadLetter["headers"] {
  return (JSON.parse(json) as DeadLetter["headers"]).filter(([name]) => name !== "Nats-Pin-Id");
}

function readBody(body: Buffer): Pick<DeadLetter, "body" | "encoding"> {
  const encoding = isUtf8(body) ? "utf8" : "base64";
  return { body: body.toString(encoding), encoding };
}
