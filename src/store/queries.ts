import Database from "better-sqlite3";
import type { StoredRows } from "../answers/stored-rows.ts";
import { createAsOfQuery } from "./as-of-query.ts";
import { createDeadLetterQueries } from "./dead-letter-queries.ts";
import { createHistoryRows } from "./history-rows.ts";
import { createListQuery } from "./list-query.ts";
import { createQuarantineQueries } from "./quarantine-queries.ts";
import { createRetiredQuery } from "./retired-query.ts";
import { createTalliesQuery } from "./tallies-query.ts";
import { createUndecidedQuery } from "./undecided-query.ts";

export interface QueryOptions {
  /** Rows one page of a list looks at, at most: 5,000 cost about 5 ms. */
  readonly maxScannedRows?: number;
  /** Told each statement as it runs, parameters filled in. */
  readonly onStatement?: (sql: string) => void;
}

/**
 * Opens a store for reading, beside the daemon that writes it: in WAL mode neither waits for the other.
 *
 * @param file - of a store that `openDatabase` has opened before.
 * @throws when there is none.
 */
export function openQueries(file: string, { maxScannedRows = 5000, onStatement }: QueryOptions = {}): StoredRows {
  const db = new Database(file, {
    readonly: true,
    fileMustExist: true,
    // Nobody holds up readers, but for the moment in which somebody else repairs or closes the store.
    timeout: 20,
    verbose: onStatement && ((sql) => onStatement(String(sql))),
  });
  return {
    history: createHistoryRows(db),
    retired: createRetiredQuery(db),
    list: createListQuery(db, maxScannedRows),
    tallies: createTalliesQuery(db),
    undecidedSince: createUndecidedQuery(db),
    asOfMs: createAsOfQuery(db),
    ...createDeadLetterQueries(db),
    ...createQuarantineQueries(db),
    close: () => void db.close(),
  };
}
