import type Database from "better-sqlite3";
import type { StoredRows } from "../answers/stored-rows.ts";

/** A few hundred rows, however many actors there are. */
export function createTalliesQuery(db: Database.Database): StoredRows["tallies"] {
  const select = db
    .prepare(`SELECT name, sum(value) AS value FROM tallies
      WHERE type = :type AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))
      GROUP BY name`)
    .raw();
  return (type, partitions) => {
    const own = partitions === undefined ? null : JSON.stringify(partitions);
    return new Map(select.all({ type: type.name, partitions: own }) as [string, number][]);
  };
}
