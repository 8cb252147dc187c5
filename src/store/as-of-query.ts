import type Database from "better-sqlite3";
import type { StoredRows } from "../answers/stored-rows.ts";

/** Rows looked at, at most: the latest of all partitions. About 2 ms. */
const MAX_SCANNED = 1000;

/** One walk along the index of updates, from the latest on. */
export function createAsOfQuery(db: Database.Database): StoredRows["asOfMs"] {
  const select = db.prepare(`SELECT max(updated_ms) AS latestMs FROM (
      SELECT updated_ms, partition FROM actors INDEXED BY actors_by_update
      WHERE type = :type ORDER BY updated_ms DESC LIMIT ${MAX_SCANNED}
    ) WHERE partition IN (SELECT value FROM json_each(:partitions)) GROUP BY partition ORDER BY latestMs`);
  return (type, partitions) => {
    const found = select.pluck().all({ type: type.name, partitions: JSON.stringify(partitions) }) as number[];
    const [earliest] = found;
    return earliest === undefined || found.length < partitions.length ? null : earliest;
  };
}
