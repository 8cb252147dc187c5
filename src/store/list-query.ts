import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import { isIn } from "../actor/state-text.ts";
import type { ListFilter } from "../answers/queries.ts";
import { asksForIncomplete, listOrder } from "../answers/query-filters.ts";
import type { BlankActor, Listed, ListedActor, StoredRows } from "../answers/stored-rows.ts";
import type { StoredActor } from "../flow/rows.ts";
import { eventToken } from "../wire/names.ts";
import { hashOfType } from "./heard.ts";
import { defineHeardFunctions } from "./heard-sql.ts";
import { NOTICE_COLUMNS } from "./quarantine-queries.ts";
import { isKept } from "./staged-actors.ts";
import { ACTORS } from "./tables.ts";

const COLUMNS = `key, id, partition, state, completeness, decision_type, revision, events, first_seen_ms, updated_ms, due`;

/** The same of a quarantined actor that has no row, because nothing was ever applied; `q` is its quarantine. */
const BLANK_COLUMNS = `0, q.actor_id AS id, q.partition, :initialState, :initialCompleteness, NULL, 0, 0, q.since_ms, q.since_ms, NULL`;

const BLANKS = `SELECT ${BLANK_COLUMNS} FROM quarantine q WHERE q.type = :type AND q.actor_id >= :idFrom AND q.actor_id < :idTo
  AND NOT EXISTS (SELECT 1 FROM actors a WHERE a.type = q.type AND a.id = q.actor_id)`;

/*
 * A list is one walk along one index, in the order of the answer; what the index does not know is checked row by row, and
 * those of one millisecond are sorted by their ids, where it does not know these.
 * INDEXED BY makes SQLite refuse to do anything else, whatever its statistics say.
 */
const WALKS = {
  decision: `actors INDEXED BY actors_by_decision WHERE type = :type AND decision_type IS :decision AND (first_seen_ms, id) < (:ms, :id)
    ORDER BY first_seen_ms DESC, id DESC`,
  incomplete: `actors INDEXED BY actors_incomplete WHERE type = :type AND incomplete = 1 AND (first_seen_ms, id) < (:ms, :id)
    ORDER BY first_seen_ms DESC, id DESC`,
  id: `(SELECT ${COLUMNS} FROM actors INDEXED BY actors_by_id WHERE type = :type AND id >= :idFrom AND id < :idTo
    UNION ALL ${BLANKS} ORDER BY id)`,
  quarantined: `(SELECT ${COLUMNS} FROM actors WHERE type = :type AND id IN (SELECT actor_id FROM quarantine
    WHERE type = :type AND actor_id >= :idFrom AND actor_id < :idTo) UNION ALL ${BLANKS} ORDER BY id)`,
  all: `actors INDEXED BY actors_by_age WHERE type = :type AND (first_seen_ms, id) < (:ms, :id)
    ORDER BY first_seen_ms DESC, id DESC`,
};

type Walk = keyof typeof WALKS;

/** So many walks are merged into one at most; actors in one of more states are looked for among all. */
const MAX_MERGED = 50;

/** Walks of which one is made for each of some values, merged in the order of the answer. */
const MERGED = {
  states: {
    walk: "actors_by_state WHERE type = :type AND state = :states ->> ? AND (first_seen_ms, id) < (:ms, :id)",
    order: "first_seen_ms DESC, id DESC",
  },
  due: {
    walk: "actors_due WHERE type = :type AND partition = :partitions ->> ? AND due < :dueBefore AND (due, id) > (:due, :id)",
    order: "due, id",
  },
};

type Merged = keyof typeof MERGED;

/** @param count - of the values. */
function merge(name: Merged, count: number): string {
  const { walk, order } = MERGED[name];
  const walks = Array.from(
    { length: count },
    (_, index) => `SELECT ${COLUMNS} FROM actors INDEXED BY ${walk.replace("?", String(index))}`,
  );
  return `(${walks.join(" UNION ALL ")} ORDER BY ${order})`;
}

const CHECKS = `(:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:anyDecision OR decision_type IS :decision)
  AND (:incomplete IS NULL OR (completeness < 100) = :incomplete)
  AND (:completeness IS NULL OR round(completeness) = :completeness)
  AND (:waitingFor IS NULL OR
    NOT (has_type((SELECT heard FROM actors WHERE key = walked.key), :waitingType)
    OR EXISTS (SELECT 1 FROM heard_earlier WHERE actor_key = walked.key AND type_hash = :waitingType)))
  AND (:waitingFor IS NULL OR NOT EXISTS (SELECT 1 FROM parked WHERE type = :type AND actor_id = walked.id
    AND substr(subject, -1 - length(:waitingFor)) = '.' || :waitingFor))
  AND (:quarantined IS NULL OR (q.actor_id IS NOT NULL) = :quarantined)
  AND (:updatedBeforeMs IS NULL OR updated_ms < :updatedBeforeMs)
  AND (:dueBefore IS NULL OR due < :dueBefore)
  AND (:partitions IS NULL OR walked.partition IN (SELECT value FROM json_each(:partitions)))
  AND (walked.key = 0 OR ${isKept("walked.key")})`;

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
  "due",
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
  defineHeardFunctions(db);
  const prepare = (walk: string): Reading => ({
    page: db.prepare(`SELECT ${ACTORS.select(SUMMARY_FIELDS)}, ${NOTICE_COLUMNS}
      FROM (SELECT ${COLUMNS} FROM ${walk} LIMIT :scanned) AS walked
      LEFT JOIN quarantine q ON q.type = :type AND q.actor_id = walked.id WHERE ${CHECKS} LIMIT :limit`),
    end: db.prepare(`SELECT ${ACTORS.select(["id", "firstSeenAtMs", "due"])} FROM ${walk} LIMIT 1 OFFSET :scanned - 1`),
  });
  const readings = Object.fromEntries(Object.entries(WALKS).map(([walk, sql]) => [walk, prepare(sql)])) as Record<
    Walk,
    Reading
  >;
  // Prepared when first asked for: how many states a path has is known by then.
  const mergedReadings = new Map<string, Reading>();
  const selectPartitions = db.prepare("SELECT DISTINCT partition FROM tallies WHERE type = ?").pluck();
  const selectStates = db
    .prepare("SELECT DISTINCT substr(name, 7) FROM tallies WHERE type = ? AND name LIKE 'state:%' AND value <> 0")
    .pluck();

  /** Every state of an actor that is in the one named; undefined when none is. */
  function findStates(type: ActorType, { state }: ListFilter, blank: BlankActor): string[] | undefined {
    if (state === undefined) return undefined;
    const known = new Set([blank.state, ...(selectStates.all(type.name) as string[])]);
    return [...known].filter((text) => isIn(text, state));
  }

  function choose(walk: Walk | Merged, count: number): Reading {
    if (walk in WALKS) return readings[walk as Walk];
    const name = `${walk} ${count}`;
    const reading = mergedReadings.get(name) ?? prepare(merge(walk as Merged, count));
    mergedReadings.set(name, reading);
    return reading;
  }

  return db.transaction((type: ActorType, filter: ListFilter, blank: BlankActor, asked?: readonly number[]) => {
    const states = findStates(type, filter, blank);
    const walk = chooseWalk(filter, states);
    const partitions = asked ?? (walk === "due" ? (selectPartitions.all(type.name) as number[]) : undefined);
    if (partitions?.length === 0 || states?.length === 0) return { rows: [], end: undefined };
    const reading = choose(walk, ((walk === "due" ? partitions : states) ?? []).length);
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

function chooseWalk(filter: ListFilter, states: readonly string[] | undefined): Walk | Merged {
  const { decision, idPrefix, quarantined, dueBeforeMs } = filter;
  if (quarantined) return "quarantined";
  if (idPrefix !== undefined) return "id";
  if (dueBeforeMs !== undefined) return "due";
  if (states !== undefined && states.length <= MAX_MERGED) return "states";
  if (decision !== undefined) return "decision";
  return asksForIncomplete(filter) ? "incomplete" : "all";
}

/** Before the first place of each order: an id is never empty, and its characters come before ~. */
const STARTS = {
  id: [null, ""],
  seen: [Number.MAX_SAFE_INTEGER, "~"],
  due: ["", ""],
} as const;

/** After which row a page begins. Who was first seen later than asked for was not updated before: those are not walked over. */
function placeBefore(filter: ListFilter): readonly [number | string | null, string] {
  const { updatedBeforeMs, after } = filter;
  const order = listOrder(filter);
  const [at, id] = (order === "id" ? undefined : after) ?? STARTS[order];
  return order === "seen" && updatedBeforeMs !== undefined && Number(at) >= updatedBeforeMs
    ? [updatedBeforeMs, ""]
    : [at ?? null, String(id)];
}

function bind(filter: ListFilter, states?: readonly string[], partitions?: readonly number[]) {
  const { decision, incomplete, completeness, waitingFor, quarantined, updatedBeforeMs, dueBeforeMs } = filter;
  const order = listOrder(filter);
  const [at, id] = placeBefore(filter);
  return {
    states: states === undefined ? null : JSON.stringify(states),
    anyDecision: decision === undefined ? 1 : 0,
    decision: decision ?? null,
    incomplete: incomplete === undefined ? null : Number(incomplete),
    completeness: completeness ?? null,
    waitingFor: waitingFor === undefined ? null : eventToken(waitingFor),
    waitingType: waitingFor === undefined ? null : hashOfType(waitingFor),
    quarantined: quarantined === undefined ? null : Number(quarantined),
    updatedBeforeMs: updatedBeforeMs ?? null,
    partitions: partitions === undefined ? null : JSON.stringify(partitions),
    // Without its Z, a time comes as text before all that are not earlier.
    dueBefore: dueBeforeMs === undefined ? null : new Date(dueBeforeMs).toISOString().slice(0, -1),
    ms: order === "due" ? null : at,
    due: order === "due" ? at : null,
    id,
  };
}

/** Of a page by id: every character an id can have sorts after ! and before ~. */
function bindIds({ idPrefix = "", after }: ListFilter) {
  const last = after?.[0];
  return { idFrom: typeof last === "string" ? `${last}!` : idPrefix, idTo: `${idPrefix}~` };
}
