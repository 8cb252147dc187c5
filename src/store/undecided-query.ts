import type Database from "better-sqlite3";
import type { Queries } from "../answers/queries.ts";

/** Rows looked at, at most; only those of partitions that went to another owner are in vain. About 10 ms. */
const MAX_SCANNED = 20_000;

/** One walk along the index of decisions, from the actor first heard of on. */
export function createUndecidedQuery(db: Database.Database): Queries["undecidedSince"] {
  const select = db
    .prepare(`SELECT first_seen_ms FROM (
      SELECT first_seen_ms, partition FROM actors INDEXED BY actors_by_decision
      WHERE type = :type AND decision_type IS NULL ORDER BY key LIMIT :scanned
    ) WHERE :partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)) LIMIT 1`)
    .pluck();
  return (type, partitions) => {
    const own = partitions === undefined ? null : JSON.stringify(partitions);
    const since = select.get({ type: type.name, scanned: MAX_SCANNED, partitions: own });
    return (since as number | undefined) ?? null;
  };
}
