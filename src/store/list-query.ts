import type Database from "better-sqlite3";
import type { ActorType } from "../../machines/actor-type.ts";
import { encodeCursor } from "../flow/cursor.ts";
import type { ActorSummary, ListFilter, Queries } from "../flow/queries.ts";
import { asksForIncomplete, listOrder } from "../flow/query-filters.ts";
import { rfc3339 } from "./rfc-3339.ts";

/*
 * A list is one walk along one index, in the order of the answer; what the index does not know is checked row by row.
 * INDEXED BY makes SQLite refuse to do anything else, whatever its statistics say.
 */
const WALKS = {
  state: `actors INDEXED BY actors_by_state WHERE type = :type AND state = :state AND key < :key
    ORDER BY key DESC`,
  decision: `actors INDEXED BY actors_by_decision WHERE type = :type AND decision_type IS :decision AND key < :key
    ORDER BY key DESC`,
  incomplete: `actors INDEXED BY actors_incomplete WHERE type = :type AND incomplete = 1 AND key < :key
    ORDER BY key DESC`,
  updated: `actors INDEXED BY actors_by_update WHERE type = :type AND (updated_ms, key) < (:updatedMs, :key)
    ORDER BY updated_ms DESC, key DESC`,
  id: `actors INDEXED BY actors_by_id WHERE type = :type AND id >= :idFrom AND id < :idTo
    ORDER BY id`,
  all: `actors INDEXED BY actors_by_age WHERE type = :type AND key < :key
    ORDER BY key DESC`,
};

type Walk = keyof typeof WALKS;

const CHECKS = `(:state IS NULL OR state = :state)
  AND (:anyDecision OR decision_type IS :decision)
  AND (:incomplete IS NULL OR (completeness < 100) = :incomplete)
  AND (:completeness IS NULL OR round(completeness) = :completeness)
  AND (:waitingFor IS NULL OR NOT EXISTS
    (SELECT 1 FROM events WHERE actor_key = walked.key AND events.type = :waitingFor))
  AND (:updatedBeforeMs IS NULL OR updated_ms < :updatedBeforeMs)
  AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))`;

interface Row {
  readonly key: number;
  readonly id: string;
  readonly state: string;
  readonly completeness: number;
  readonly decisionType: string | null;
  readonly revision: number;
  readonly events: number;
  readonly firstSeenAtMs: number;
  readonly updatedAtMs: number;
}

/** To look for an event costs as much as to look at so many rows. */
const EVENT_LOOKUP_COST = 5;

/** @param maxScannedRows - after which a page ends, full or not. */
export function createListQuery(db: Database.Database, maxScannedRows: number): Queries["list"] {
  const pages = prepareWalks(
    (walk) => `SELECT key, id, state, completeness, decision_type AS decisionType, revision, events,
      first_seen_ms AS firstSeenAtMs, updated_ms AS updatedAtMs
      FROM (SELECT * FROM ${walk} LIMIT :scanned) AS walked WHERE ${CHECKS} LIMIT :limit`,
  );
  const ends = prepareWalks((walk) => `SELECT key, updated_ms AS updatedAtMs FROM ${walk} LIMIT 1 OFFSET :scanned - 1`);
  const selectId = db.prepare("SELECT id FROM actors WHERE key = ?").pluck();

  function prepareWalks(sql: (walk: string) => string): Record<Walk, Database.Statement> {
    return {
      state: db.prepare(sql(WALKS.state)),
      decision: db.prepare(sql(WALKS.decision)),
      incomplete: db.prepare(sql(WALKS.incomplete)),
      updated: db.prepare(sql(WALKS.updated)),
      id: db.prepare(sql(WALKS.id)),
      all: db.prepare(sql(WALKS.all)),
    };
  }

  /** Of a page by id: every character an id can have sorts after ! and before ~. */
  function bindIds({ idPrefix = "", after }: ListFilter) {
    const last = after === undefined ? undefined : (selectId.get(after[0]) as string | undefined);
    return { idFrom: last === undefined ? idPrefix : `${last}!`, idTo: `${idPrefix}~` };
  }

  return db.transaction((type: ActorType, filter: ListFilter, partitions?: readonly number[]) => {
    if (partitions?.length === 0) return { [type.collection]: [], nextCursor: null };
    const walk = chooseWalk(filter);
    const parameters = {
      type: type.name,
      ...bind(filter, partitions),
      ...bindIds(filter),
      scanned: filter.waitingFor === undefined ? maxScannedRows : Math.ceil(maxScannedRows / EVENT_LOOKUP_COST),
      limit: filter.limit + 1,
    };
    const found = pages[walk].all(parameters) as Row[];
    const rows = found.slice(0, filter.limit);
    // A short page is the last one, unless it ended because it had looked at enough rows.
    const end = found.length > rows.length ? rows.at(-1) : (ends[walk].get(parameters) as Row | undefined);
    return {
      [type.collection]: rows.map((row) => toSummary(type, row)),
      nextCursor: end === undefined ? null : cursorAt(filter, end),
    };
  });
}

function chooseWalk(filter: ListFilter): Walk {
  const { state, decision, idPrefix, updatedBeforeMs } = filter;
  if (idPrefix !== undefined) return "id";
  if (state !== undefined) return "state";
  if (decision !== undefined) return "decision";
  if (asksForIncomplete(filter)) return "incomplete";
  return updatedBeforeMs === undefined ? "all" : "updated";
}

function bind(filter: ListFilter, partitions: readonly number[] | undefined) {
  const { state, decision, incomplete, completeness, waitingFor, updatedBeforeMs, after } = filter;
  const isByUpdate = listOrder(filter) === "updated";
  const [first, second] = after ?? (isByUpdate ? [updatedBeforeMs, 0] : [Number.MAX_SAFE_INTEGER]);
  return {
    state: state ?? null,
    anyDecision: decision === undefined ? 1 : 0,
    decision: decision ?? null,
    incomplete: incomplete === undefined ? null : Number(incomplete),
    completeness: completeness ?? null,
    waitingFor: waitingFor ?? null,
    updatedBeforeMs: updatedBeforeMs ?? null,
    partitions: partitions === undefined ? null : JSON.stringify(partitions),
    updatedMs: isByUpdate ? first : null,
    key: isByUpdate ? second : first,
  };
}

function cursorAt(filter: ListFilter, { key, updatedAtMs }: Pick<Row, "key" | "updatedAtMs">): string {
  const order = listOrder(filter);
  return encodeCursor(order, order === "updated" ? [updatedAtMs, key] : [key]);
}

function toSummary(type: ActorType, row: Row): ActorSummary {
  return {
    [type.idField]: row.id,
    processingStatus: row.state,
    dataCompleteness: row.completeness,
    decisionType: row.decisionType,
    revision: row.revision,
    version: row.events,
    lastUpdated: rfc3339(row.updatedAtMs),
    firstSeen: rfc3339(row.firstSeenAtMs),
  };
}
