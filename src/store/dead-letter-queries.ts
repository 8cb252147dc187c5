import type Database from "better-sqlite3";
import type { DeadLetterHead, FullDeadLetter, StoredRows } from "../answers/stored-rows.ts";
import { DEAD_LETTERS } from "./tables.ts";

const HEAD_COLUMNS = `${DEAD_LETTERS.select(["stream", "sequence", "reason", "error", "subject", "storedAtMs"])},
  length(body) AS bytes, published AS publishedSequence`;

/** Questions about what could not be applied. */
export function createDeadLetterQueries(db: Database.Database): Pick<StoredRows, "deadLetters" | "deadLetter"> {
  const selectPage = db.prepare(`SELECT ${HEAD_COLUMNS} FROM dead_letters INDEXED BY dead_letters_by_sequence
    WHERE type = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`);
  const selectPageOfReason = db.prepare(`SELECT ${HEAD_COLUMNS} FROM dead_letters INDEXED BY dead_letters_by_reason
    WHERE type = ? AND reason = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`);
  const selectOne = db.prepare(`SELECT ${HEAD_COLUMNS}, headers, body FROM dead_letters
    INDEXED BY dead_letters_by_sequence WHERE type = ? AND sequence = ?`);
  return {
    deadLetters: (type, { reason, limit, after: [before] = [Number.MAX_SAFE_INTEGER] }) =>
      (reason === undefined
        ? selectPage.all(type.name, before, limit + 1)
        : selectPageOfReason.all(type.name, reason, before, limit + 1)) as DeadLetterHead[],
    deadLetter: (type, sequence) => selectOne.get(type.name, sequence) as FullDeadLetter | undefined,
  };
}
