import { isUtf8 } from "node:buffer";
import type { ActorType } from "../actor/actor-type.ts";
import { leavesIn, nodesOf, pathOf, pathsOf } from "../actor/state-text.ts";
import { eventTypeOf } from "../wire/names.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { encodeCursor, type Place } from "./cursor.ts";
import type { DeadLetter, DeadLetterPage, DeadLetterSummary } from "./dead-letters.ts";
import type { QuarantineDetail, QuarantineEntry } from "./quarantine.ts";
import type {
  ActorCounts,
  ActorPage,
  ActorSummary,
  Counts,
  ListFilter,
  QuarantineNotice,
  RetiredAnswer,
  Stats,
} from "./queries.ts";
import { type ListOrder, listOrder } from "./query-filters.ts";
import type {
  DeadLetterHead,
  FullDeadLetter,
  Listed,
  ListedActor,
  ListedDeadLetters,
  QuarantinedActor,
  QuarantinedRow,
  StoredRows,
} from "./stored-rows.ts";

/* Rows as answers carry them: the fields by their names on the wire, times as text. */

/** A stored time: RFC 3339 in UTC with milliseconds. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

/** As `Queries.nextDue` tells it. */
export function presentNextDue(
  { machine }: ActorType,
  rows: readonly Pick<ListedActor, "state" | "due">[],
): Record<string, string> {
  const delayed = new Set([...nodesOf(machine.root)].filter(({ after }) => after.length > 0).map(pathOf));
  const waiting = rows.flatMap(({ state, due }) => {
    const [path, ...others] = pathsOf(leavesIn(state)).filter((inside) => delayed.has(inside));
    return path === undefined || others.length > 0 || due === null ? [] : [[path, due] as const];
  });
  return soonestOf(waiting);
}

/** The earliest time of each name, which may be any, also one that every object has. */
export function soonestOf(times: Iterable<readonly [name: string, due: string]>): Record<string, string> {
  const soonest = new Map<string, string>();
  for (const [name, due] of times) {
    const known = soonest.get(name);
    if (known === undefined || due < known) soonest.set(name, due);
  }
  return Object.fromEntries(soonest);
}

/** A page, and the cursor of the next one where there is more. */
export function presentList(type: ActorType, filter: ListFilter, { rows, end }: Listed): ActorPage {
  return {
    [type.collection]: rows.map((row) => presentSummary(type, row)),
    nextCursor: end === undefined ? null : cursorAt(filter, end),
  };
}

function cursorAt(filter: ListFilter, { id, firstSeenAtMs, due }: NonNullable<Listed["end"]>): string {
  const order = listOrder(filter);
  const places = { id: [id], seen: [firstSeenAtMs, id], due: [due ?? "", id] };
  return encodeCursor(order, places[order]);
}

/** Where an actor of a list stands in it. */
export function placeOf({ idField }: ActorType, order: ListOrder, actor: ActorSummary): Place {
  const { firstSeen, nextDue = "" } = actor;
  const id = String(actor[idField]);
  return { id: [id], seen: [Date.parse(firstSeen), id], due: [nextDue, id] }[order];
}

function presentSummary(type: ActorType, row: ListedActor): ActorSummary {
  const { eventType, error, sinceMs, parked, due } = row;
  return {
    [type.idField]: row.id,
    processingStatus: row.state,
    state: row.state,
    dataCompleteness: row.completeness,
    decisionType: row.decisionType,
    revision: row.revision,
    version: row.events,
    lastUpdated: rfc3339(row.updatedAtMs),
    firstSeen: rfc3339(row.firstSeenAtMs),
    ...(due !== null && { nextDue: due }),
    ...(eventType !== null &&
      error !== null &&
      sinceMs !== null && { quarantine: presentNotice({ eventType, error, sinceMs, parked: parked ?? 0 }) }),
  };
}

export function presentRetired(type: ActorType, row: NonNullable<ReturnType<StoredRows["retired"]>>): RetiredAnswer {
  const { actorId, status, retiredAtMs, updatedAtMs, events, revision, parked } = row;
  const times = { retiredAt: rfc3339(retiredAtMs), lastUpdated: rfc3339(updatedAtMs) };
  return { [type.idField]: actorId, status, ...times, version: events, revision, parked };
}

/**
 * Every state, decision type and reason is there, also at 0.
 *
 * @param tallies - as `flow/tallies.ts` names them.
 */
export function presentStats(type: ActorType, tallies: ReadonlyMap<string, number>): Stats {
  const { revised = 0, ...decided } = groupOf(tallies, "decisions", type.decisionTypes);
  const standing = type.decisionTypes.filter((name) => name !== type.withdrawn);
  return {
    [type.collection]: countActors(type, groupOf(tallies, "state", [])),
    standing: { byType: groupOf(tallies, "standing", standing) },
    completeness: { byPercent: groupOf(tallies, "completeness", []) },
    events: presentOutcomes(type, groupOf(tallies, "events", [])),
    quarantined: tallies.get("quarantined") ?? 0,
    retired: tallies.get("retired") ?? 0,
    decisions: { byType: decided, revised },
    deadLetters: { byReason: groupOf(tallies, "dead", REJECTION_REASONS) },
  };
}

/** A type by event time has no superseded events, a merge type none of its. */
function presentOutcomes({ ordering }: ActorType, counts: Counts): Stats["events"] {
  const { applied = 0, superseded = 0, duplicate = 0, conflict = 0, parked = 0 } = counts;
  const heard = { applied, superseded, duplicate, conflict, parked };
  if (ordering === "merge") return heard;
  const { reordered = 0, unhandled = 0, held = 0, tick = 0, ignored = 0 } = counts;
  return { ...heard, reordered, unhandled, held, tick, ignored };
}

/** @param texts - actors by state, parallel states together. */
function countActors({ states }: ActorType, texts: Counts): ActorCounts {
  const paths = pathsOf(states);
  const byState = new Map(states.map((state) => [state, 0]));
  const byPath = new Map(paths.map((path) => [path, 0]));
  let total = 0;
  for (const [text, count] of Object.entries(texts)) {
    const leaves = leavesIn(text);
    for (const leaf of leaves) byState.set(leaf, (byState.get(leaf) ?? 0) + count);
    for (const path of pathsOf(leaves)) byPath.set(path, (byPath.get(path) ?? 0) + count);
    total += count;
  }
  return {
    total,
    byState: Object.fromEntries(byState),
    ...(paths.length > states.length && { byPath: Object.fromEntries(byPath) }),
  };
}

/** The counts of one group, without its prefix; each of `names` is there, also at 0, and in their order. */
function groupOf(tallies: ReadonlyMap<string, number>, group: string, names: readonly string[]): Counts {
  const prefix = `${group}:`;
  const counts = new Map(names.map((name) => [name, 0]));
  for (const [name, value] of tallies) if (name.startsWith(prefix)) counts.set(name.slice(prefix.length), value);
  return Object.fromEntries(counts);
}

/** Why an actor is quarantined, and since when. */
export function presentNotice({
  eventType,
  error,
  sinceMs,
  parked,
}: Omit<QuarantinedRow, "actorId">): QuarantineNotice {
  return { eventType, error, since: rfc3339(sinceMs), parked };
}

/** With the id as the type calls it. */
export function presentQuarantined(type: ActorType, row: QuarantinedRow): QuarantineEntry {
  return { [type.idField]: row.actorId, ...presentNotice(row) };
}

/** With the events kept back; the body of the first one when it is text. */
export function presentQuarantine(type: ActorType, row: QuarantinedActor): QuarantineDetail {
  const [first, ...others] = row.events.map(({ sequence, subject, storedAtMs, bytes }) => {
    const eventType = eventTypeOf(subject);
    return { sequence, eventType, receivedAt: rfc3339(storedAtMs), bytes };
  });
  const body = row.body !== undefined && isUtf8(row.body) ? Buffer.from(row.body).toString("utf8") : null;
  return { ...presentQuarantined(type, row), events: first === undefined ? [] : [{ ...first, body }, ...others] };
}

export function presentDeadLetters({ rows, end }: ListedDeadLetters): DeadLetterPage {
  return { deadLetters: rows.map(presentHead), nextCursor: end === undefined ? null : encodeCursor("dead", [end]) };
}

/** Without what the server puts on every message it hands to a pinned consumer. */
export function presentDeadLetter({ headers, body, ...head }: FullDeadLetter): DeadLetter {
  const encoding = isUtf8(body) ? "utf8" : "base64";
  const sent = (JSON.parse(headers) as DeadLetter["headers"]).filter(([name]) => name !== "Nats-Pin-Id");
  return { ...presentHead(head), headers: sent, body: Buffer.from(body).toString(encoding), encoding };
}

function presentHead({ storedAtMs, ...head }: DeadLetterHead): DeadLetterSummary {
  const { sequence, publishedSequence } = head;
  return {
    ...head,
    receivedAt: rfc3339(storedAtMs),
    published: publishedSequence !== null,
    streamSequence: sequence,
    deadLetterSequence: publishedSequence,
  };
}
