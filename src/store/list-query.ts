import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import { encodeCursor } from "../answers/cursor.ts";
import type { ActorSummary, ListFilter } from "../answers/queries.ts";
import { asksForIncomplete, listOrder } from "../answers/query-filters.ts";
import { rfc3339 } from "../answers/rfc-3339.ts";
import type { BlankActor, StoredAnswers } from "../answers/stored-answers.ts";
import type { StoredActor } from "../flow/rows.ts";
import { NOTICE_COLUMNS, type NoticeRow, readNotice } from "./quarantine-notice.ts";
import { ACTORS } from "./tables.ts";

const COLUMNS = `key, id, partition, state, completeness, decision_type, revision, events, first_seen_ms, updated_ms`;

/** The same of a quarantined actor that has no row, because nothing was ever applied; `q` is its quarantine. */
const BLANK_COLUMNS = `0, q.actor_id AS id, q.partition, :initialState, :initialCompleteness, NULL, 0, 0, q.since_ms, q.since_ms`;

const BLANKS = `SELECT ${BLANK_COLUMNS} FROM quarantine q WHERE q.type = :type AND q.actor_id >= :idFrom AND q.actor_id < :idTo
  AND NOT EXISTS (SELECT 1 FROM actors a WHERE a.type = q.type AND a.id = q.actor_id)`;

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
  id: `(SELECT ${COLUMNS} FROM actors INDEXED BY actors_by_id WHERE type = :type AND id >= :idFrom AND id < :idTo
    UNION ALL ${BLANKS} ORDER BY id)`,
  quarantined: `(SELECT ${COLUMNS} FROM actors WHERE type = :type AND id IN (SELECT actor_id FROM quarantine
    WHERE type = :type AND actor_id >= :idFrom AND actor_id < :idTo) UNION ALL ${BLANKS} ORDER BY id)`,
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
  AND (:waitingFor IS NULL OR NOT EXISTS (SELECT 1 FROM parked WHERE type = :type AND actor_id = walked.id
    AND substr(subject, -1 - length(:waitingFor)) = '.' || :waitingFor))
  AND (:quarantined IS NULL OR (q.actor_id IS NOT NULL) = :quarantined)
  AND (:updatedBeforeMs IS NULL OR updated_ms < :updatedBeforeMs)
  AND (:partitions IS NULL OR walked.partition IN (SELECT value FROM json_each(:partitions)))`;

const SUMMARY_FIELDS = [
  "key",
  "id",
  "state",
  "completeness",
  "decisionType",
  "revision",
  "events",
  "firstSeenAtMs",
  "updatedAtMs",
] as const satisfies readonly (keyof StoredActor)[];

type Row = NoticeRow & Pick<StoredActor, (typeof SUMMARY_FIELDS)[number]>;

/** To look for an event costs as much as to look at so many rows. */
const EVENT_LOOKUP_COST = 5;

/** @param maxScannedRows - after which a page ends, full or not. */
export function createListQuery(db: Database.Database, maxScannedRows: number): StoredAnswers["list"] {
  const pages = prepareWalks(
    (walk) => `SELECT ${ACTORS.select(SUMMARY_FIELDS)}, ${NOTICE_COLUMNS}
      FROM (SELECT ${COLUMNS} FROM ${walk} LIMIT :scanned) AS walked
      LEFT JOIN quarantine q ON q.type = :type AND q.actor_id = walked.id WHERE ${CHECKS} LIMIT :limit`,
  );
  const ends = prepareWalks(
    (walk) => `SELECT ${ACTORS.select(["key", "id", "updatedAtMs"])} FROM ${walk} LIMIT 1 OFFSET :scanned - 1`,
  );

  function prepareWalks(sql: (walk: string) => string): Record<Walk, Database.Statement> {
    return {
      state: db.prepare(sql(WALKS.state)),
      decision: db.prepare(sql(WALKS.decision)),
      incomplete: db.prepare(sql(WALKS.incomplete)),
      updated: db.prepare(sql(WALKS.updated)),
      id: db.prepare(sql(WALKS.id)),
      quarantined: db.prepare(sql(WALKS.quarantined)),
      all: db.prepare(sql(WALKS.all)),
    };
  }

  return db.transaction((type: ActorType, filter: ListFilter, blank: BlankActor, partitions?: readonly number[]) => {
    if (partitions?.length === 0) return { [type.collection]: [], nextCursor: null };
    const walk = chooseWalk(filter);
    const parameters = {
      type: type.name,
      ...bind(filter, partitions),
      ...bindIds(filter),
      initialState: blank.state,
      initialCompleteness: blank.completeness,
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
  const { state, decision, idPrefix, quarantined, updatedBeforeMs } = filter;
  if (quarantined) return "quarantined";
  if (idPrefix !== undefined) return "id";
  if (state !== undefined) return "state";
  if (decision !== undefined) return "decision";
  if (asksForIncomplete(filter)) return "incomplete";
  return updatedBeforeMs === undefined ? "all" : "updated";
}

function bind(filter: ListFilter, partitions: readonly number[] | undefined) {
  const { state, decision, incomplete, completeness, waitingFor, quarantined, updatedBeforeMs, after } = filter;
  const order = listOrder(filter);
  const isByUpdate = order === "updated";
  const [first, second] =
    (order === "id" ? undefined : after) ?? (isByUpdate ? [updatedBeforeMs, 0] : [Number.MAX_SAFE_INTEGER]);
  return {
    state: state ?? null,
    anyDecision: decision === undefined ? 1 : 0,
    decision: decision ?? null,
    incomplete: incomplete === undefined ? null : Number(incomplete),
    completeness: completeness ?? null,
    waitingFor: waitingFor ?? null,
    quarantined: quarantined === undefined ? null : Number(quarantined),
    updatedBeforeMs: updatedBeforeMs ?? null,
    partitions: partitions === undefined ? null : JSON.stringify(partitions),
    updatedMs: isByUpdate ? first : null,
    key: isByUpdate ? second : first,
  };
}

/** Of a page by id: every character an id can have sorts after ! and before ~. */
function bindIds({ idPrefix = "", after }: ListFilter) {
  const last = after?.[0];
  return { idFrom: typeof last === "string" ? `${last}!` : idPrefix, idTo: `${idPrefix}~` };
}

function cursorAt(filter: ListFilter, { key, id, updatedAtMs }: Pick<Row, "key" | "id" | "updatedAtMs">): string {
  const order = listOrder(filter);
  return encodeCursor(order, { id: [id], updated: [updatedAtMs, key], seen: [key] }[order]);
}

function toSummary(type: ActorType, row: Row): ActorSummary {
  const quarantine = readNotice(row);
  return {
    [type.idField]: row.id,
    processingStatus: row.state,
    dataCompleteness: row.completeness,
    decisionType: row.decisionType,
    revision: row.revision,
    version: row.events,
    lastUpdated: rfc3339(row.updatedAtMs),
    firstSeen: rfc3339(row.firstSeenAtMs),
    ...(quarantine && { quarantine }),
  };
}
