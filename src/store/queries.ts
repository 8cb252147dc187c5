import Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { StoredRows } from "../answers/stored-rows.ts";
import { eventStream } from "../wire/names.ts";
import { READ_CACHE } from "./database.ts";
import { createDeadLetterQueries } from "./dead-letter-rows.ts";
import { createNextDueQuery } from "./due-actors.ts";
import { createHistoryRows } from "./history-rows.ts";
import { createListQuery } from "./list-query.ts";
import { createQuarantineQueries } from "./quarantine-queries.ts";
import { isKept } from "./staged-actors.ts";
import { RETIRED } from "./tables.ts";

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
  db.pragma(READ_CACHE);
  return {
    history: createHistoryRows(db),
    list: createListQuery(db, maxScannedRows),
    ...createLooks(db),
    nextDue: createNextDueQuery(db),
    ...createDeadLetterQueries(db, maxScannedRows),
    ...createQuarantineQueries(db),
    close: () => void db.close(),
  };
}

/** Rows looked at for the undecided; those of partitions that are another's, or not adopted yet, are in vain. About 10 ms. */
const MAX_UNDECIDED = 20_000;

/** A look by key, or one walk along an index. */
function createLooks(db: Database.Database): Pick<StoredRows, "retired" | "tallies" | "undecidedSince" | "asOfMs"> {
  const selectRetired = db.prepare(`SELECT ${RETIRED.select()}, (SELECT count(*) FROM parked p
    WHERE p.type = retired.type AND p.actor_id = retired.actor_id) AS parked FROM retired WHERE type = ? AND actor_id = ?`);
  // A few hundred rows, however many actors there are.
  const selectTallies = db
    .prepare(`SELECT name, sum(value) AS value FROM tallies
      WHERE type = :type AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))
      GROUP BY name`)
    .raw();
  const selectUndecided = db
    .prepare(`SELECT first_seen_ms FROM (
      SELECT key, first_seen_ms, partition FROM actors INDEXED BY actors_by_decision
      WHERE type = :type AND decision_type IS NULL ORDER BY first_seen_ms LIMIT ${MAX_UNDECIDED}
    ) WHERE ${isKept("key")} AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions))) LIMIT 1`)
    .pluck();
  const selectHeard = db
    .prepare(`SELECT heard_ms FROM checkpoints WHERE stream = ? AND heard_ms IS NOT NULL
      AND partition IN (SELECT value FROM json_each(?)) ORDER BY heard_ms`)
    .pluck();
  const asked = ({ name }: ActorType, partitions: readonly number[] | undefined) => ({
    type: name,
    partitions: partitions === undefined ? null : JSON.stringify(partitions),
  });
  return {
    retired: ({ name }, actorId) => selectRetired.get(name, actorId) as ReturnType<StoredRows["retired"]>,
    tallies: (type, partitions) => new Map(selectTallies.all(asked(type, partitions)) as [string, number][]),
    undecidedSince: (type, partitions) => (selectUndecided.get(asked(type, partitions)) as number | undefined) ?? null,
    asOfMs(type, partitions) {
      const [earliest, ...others] = selectHeard.all(eventStream(type), JSON.stringify(partitions)) as number[];
      return earliest === undefined || others.length + 1 < partitions.length ? null : earliest;
    },
  };
}
