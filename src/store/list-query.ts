import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import { isIn } from "../actor/state-text.ts";
import type { ListFilter } from "../answers/queries.ts";
import { asksForIncomplete, listOrder } from "../answers/query-filters.ts";
import type { BlankActor, Listed, ListedActor, StoredRows } from "../answers/stored-rows.ts";
import type { StoredActor } from "../flow/rows.ts";
import { NOTICE_COLUMNS } from "./quarantine-queries.ts";
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

/** So many walks are merged into one at most; actors in one of more states are looked for among all. */
const MAX_MERGED = 50;

/** A walk along each of so many states of `:states`, merged in the order of the answer. */
function walkStates(count: number): string {
  const walks = Array.from(
    { length: count },
    (_, index) => `SELECT ${COLUMNS} FROM actors INDEXED BY actors_by_state
    WHERE type = :type AND state = :states ->> ${index} AND key < :key`,
  );
  return `(${walks.join(" UNION ALL ")} ORDER BY key DESC)`;
}

const CHECKS = `(:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
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

/** To look for an event costs as much as to look at so many rows. */
const EVENT_LOOKUP_COST = 5;

/** How a list is read along one walk. */
interface Reading {
  readonly page: Database.Statement;
  /** The last row that a page looks at. */
  readonly end: Database.Statement;
}

/** @param maxScannedRows - after which a page ends, full or not. */
export function createListQuery(db: Database.Database, maxScannedRows: number): StoredRows["list"] {
  const prepare = (walk: string): Reading => ({
    page: db.prepare(`SELECT ${ACTORS.select(SUMMARY_FIELDS)}, ${NOTICE_COLUMNS}
      FROM (SELECT ${COLUMNS} FROM ${walk} LIMIT :scanned) AS walked
      LEFT JOIN quarantine q ON q.type = :type AND q.actor_id = walked.id WHERE ${CHECKS} LIMIT :limit`),
    end: db.prepare(`SELECT ${ACTORS.select(["key", "id", "updatedAtMs"])} FROM ${walk} LIMIT 1 OFFSET :scanned - 1`),
  });
  const readings = Object.fromEntries(Object.entries(WALKS).map(([walk, sql]) => [walk, prepare(sql)])) as Record<
    Walk,
    Reading
  >;
  // Prepared when first asked for: how many states a path has is known by then.
  const readingsOfStates = new Map<number, Reading>();
  const selectStates = db
    .prepare("SELECT DISTINCT substr(name, 7) FROM tallies WHERE type = ? AND name LIKE 'state:%' AND value <> 0")
    .pluck();

  /** Every state of an actor that is in the one named; undefined when none is. */
  function findStates(type: ActorType, { state }: ListFilter, blank: BlankActor): string[] | undefined {
    if (state === undefined) return undefined;
    const known = new Set([blank.state, ...(selectStates.all(type.name) as string[])]);
    return [...known].filter((text) => isIn(text, state));
  }

  function choose(filter: ListFilter, states: readonly string[] | undefined): Reading {
    const walk = chooseWalk(filter, states);
    if (walk !== "states") return readings[walk];
    const count = states?.length ?? 0;
    const reading = readingsOfStates.get(count) ?? prepare(walkStates(count));
    readingsOfStates.set(count, reading);
    return reading;
  }

  return db.transaction((type: ActorType, filter: ListFilter, blank: BlankActor, partitions?: readonly number[]) => {
    const states = findStates(type, filter, blank);
    if (partitions?.length === 0 || states?.length === 0) return { rows: [], end: undefined };
    const reading = choose(filter, states);
    const parameters = {
      type: type.name,
      ...bind(filter, states, partitions),
      ...bindIds(filter),
      initialState: blank.state,
      initialCompleteness: blank.completeness,
      scanned: filter.waitingFor === undefined ? maxScannedRows : Math.ceil(maxScannedRows / EVENT_LOOKUP_COST),
      limit: filter.limit + 1,
    };
    const found = reading.page.all(parameters) as ListedActor[];
    const rows = found.slice(0, filter.limit);
    // A short page is the last one, unless it ended because it had looked at enough rows.
    const end = found.length > rows.length ? rows.at(-1) : (reading.end.get(parameters) as Listed["end"]);
    return { rows, end };
  });
}

function chooseWalk(filter: ListFilter, states: readonly string[] | undefined): Walk | "states" {
  const { decision, idPrefix, quarantined } = filter;
  if (quarantined) return "quarantined";
  if (idPrefix !== undefined) return "id";
  if (states !== undefined && states.length <= MAX_MERGED) return "states";
  if (decision !== undefined) return "decision";
  if (asksForIncomplete(filter)) return "incomplete";
  return listOrder(filter) === "updated" ? "updated" : "all";
}

function bind(filter: ListFilter, states?: readonly string[], partitions?: readonly number[]) {
  const { decision, incomplete, completeness, waitingFor, quarantined, updatedBeforeMs, after } = filter;
  const order = listOrder(filter);
  const isByUpdate = order === "updated";
  const [first, second] =
    (order === "id" ? undefined : after) ?? (isByUpdate ? [updatedBeforeMs, 0] : [Number.MAX_SAFE_INTEGER]);
  return {
    states: states === undefined ? null : JSON.stringify(states),
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
