import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { IndexedColumns, StoredActor } from "../flow/rows.ts";
import { createHeardEvents } from "./heard-events.ts";
import { StoreError } from "./store-error.ts";
import { ACTORS } from "./tables.ts";

/** The actors themselves. */
export function createActorRows(
  db: Database.Database,
): Pick<Journal, "nextActorKey" | "findActor" | "saveActor" | "anchorsOf" | "saveAnchors"> {
  let nextKey = db.prepare("SELECT coalesce(max(key), 0) FROM actors").pluck().get() as number;
  const select = db.prepare(`SELECT ${ACTORS.select()} FROM actors WHERE type = ? AND id = ?`);
  const { into, valuesOf } = ACTORS.insert(undefined, { incomplete: "?" });
  const insert = db.prepare(`INSERT ${into}`);
  const update = prepareUpdates(db);
  const heard = createHeardEvents(db);
  const selectAnchors = db.prepare("SELECT anchors FROM anchors WHERE actor_key = ?").pluck();
  const upsertAnchors = db.prepare(`INSERT INTO anchors (actor_key, anchors) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET anchors = excluded.anchors`);
  return {
    nextActorKey: () => ++nextKey,
    findActor: (type, id) => select.get(type, id) as StoredActor | undefined,
    anchorsOf: (key) => (selectAnchors.get(key) as string | undefined) ?? null,
    saveAnchors: (key, anchors) => void upsertAnchors.run(key, anchors),
    saveActor(saved, before) {
      const settled = heard.settle(saved);
      const row = settled === saved.heard ? saved : { ...saved, heard: settled };
      if (before === null) {
        insert.run(valuesOf({ ...row, rowVersion: 1 }), isIncomplete(row));
        return row.heard;
      }
      const { changes } = update(row, before);
      if (changes !== 1) throw new StoreError(`${row.type} ${row.id} was changed by another process on this store`);
      return row.heard;
    },
  };
}

/**
 * SQLite rewrites an index whenever its column is assigned, even to the same value. So there is one statement for each
 * set of indexed columns that changed: 8 us less per event than one statement that assigns them all.
 */
function prepareUpdates(db: Database.Database) {
  const statements = new Map<string, Database.Statement>();
  return (row: StoredActor, before: IndexedColumns): Database.RunResult => {
    const { machineVersion, completeness, events, revision, standing, updatedAtMs, checksum, snapshot, heard } = row;
    const values: unknown[] = [
      machineVersion,
      completeness,
      events,
      revision,
      standing,
      updatedAtMs,
      checksum,
      snapshot,
      heard,
    ];
    let columns = "";
    if (row.state !== before.state) {
      columns += ", state = ?";
      values.push(row.state);
    }
    if (row.decisionType !== before.decisionType) {
      columns += ", decision_type = ?";
      values.push(row.decisionType);
    }
    if (isIncomplete(row) !== isIncomplete(before)) {
      columns += ", incomplete = ?";
      values.push(isIncomplete(row));
    }
    if (row.due !== before.due) {
      columns += ", due = ?";
      values.push(row.due);
    }
    let statement = statements.get(columns);
    if (statement === undefined) {
      statement = db.prepare(`UPDATE actors SET row_version = row_version + 1, machine_version = ?, completeness = ?,
        events = ?, revision = ?, standing = ?, updated_ms = ?, checksum = ?, snapshot = ?, heard = ? ${columns}
        WHERE key = ? AND row_version = ?`);
      statements.set(columns, statement);
    }
    return statement.run(...values, row.key, row.rowVersion);
  };
}

function isIncomplete({ completeness }: Pick<StoredActor, "completeness">): 0 | 1 {
  return completeness < 100 ? 1 : 0;
}
