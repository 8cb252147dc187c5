import type { ActorType } from "../actor/actor-type.ts";
import { restoreActor } from "../flow/hosts/host.ts";
import type { Pieces } from "../flow/pieces.ts";
import { ReplayError, rebuildInPieces } from "../flow/rebuild.ts";
import type { HeardEvent } from "../flow/rows.ts";
import { replaySteps, type Taken, toDecision, toEntry } from "./actor-steps.ts";
import { presentNotice, rfc3339 } from "./present-rows.ts";
import {
  type ActorAnswer,
  HISTORY_BYTES,
  HISTORY_LIMIT,
  type PublishedObject,
  type QuarantineNotice,
  type Queries,
  STEPS_LIMIT,
} from "./queries.ts";
import { startReplay } from "./replay.ts";
import type { FoundActor, HistoryRows } from "./stored-rows.ts";

/** Questions about one actor: its rows, and what its machine makes of them. */
export function createActorAnswers(rows: HistoryRows): Pick<Queries, "get" | "history" | "steps" | "next"> {
  return {
    *get(type, actorId) {
      const found = rows.find(type, actorId);
      if (found === undefined) return undefined;
      const { row, places, held } = found;
      const { processingStatus, state, value, due, dataCompleteness, waitingFor, ...facets } = yield* present(
        rows,
        type,
        actorId,
        found,
      );
      const eventHistory = yield* readAll(places.slice(-HISTORY_LIMIT), (place) => {
        const head = row === null ? undefined : rows.eventHead(row.key, place);
        return head && toEntry(head);
      });
      return {
        [type.idField]: actorId,
        processingStatus,
        state,
        value,
        ...facets,
        due,
        dataCompleteness,
        decision: row === null || row.standing === null || row.decision === null ? null : parseObject(row.decision),
        version: row?.events ?? 0,
        lastUpdated: row === null ? rfc3339(held?.sinceMs ?? 0) : rfc3339(row.updatedAtMs),
        eventHistory,
        waitingFor,
        ...noticeOf(found),
      };
    },
    *history(type, actorId) {
      const found = rows.find(type, actorId);
      if (found === undefined) return undefined;
      const latest = yield* readLatest(rows, found);
      const events = yield* readAll(latest, (event) => ({ ...toEntry(event), data: parseObject(event.body) }));
      const decisions = (yield* readDecisions(rows, found)).map(({ entry }) => entry);
      return { [type.idField]: actorId, total: found.places.length, events, decisions, ...noticeOf(found) };
    },
    *steps(type, actorId) {
      const found = rows.find(type, actorId);
      if (found === undefined) return undefined;
      const events = yield* readEvents(rows, found, STEPS_LIMIT);
      const replayed = yield* replaySteps(type, { ...found, actorId }, events, yield* readDecisions(rows, found));
      return { [type.idField]: actorId, total: found.places.length, ...replayed, ...noticeOf(found) };
    },
    *next(type, actorId, at = STEPS_LIMIT) {
      const found = rows.find(type, actorId);
      if (found === undefined) return undefined;
      const events = yield* readEvents(rows, found, Math.min(at, STEPS_LIMIT));
      // Whatever comes is kept back, and it may be that it cannot be replayed.
      if (found.held !== undefined) return { [type.idField]: actorId, at: events.length, next: [] };
      const replay = startReplay(type, actorId);
      for (const event of events) {
        replay.step(event);
        yield;
      }
      return { [type.idField]: actorId, at: events.length, next: replay.foresee() };
    },
  };
}

/** One item a piece, without those of which nothing is there any more. */
function* readAll<Item, Read>(items: Iterable<Item>, read: (item: Item) => Read | undefined): Pieces<Read[]> {
  const all: Read[] = [];
  for (const item of items) {
    const one = read(item);
    if (one !== undefined) all.push(one);
    yield;
  }
  return all;
}

/** The first events; by default all of them. */
function* readEvents(rows: HistoryRows, { row, places }: FoundActor, limit = places.length): Pieces<HeardEvent[]> {
  return row === null ? [] : yield* readAll(places.slice(0, limit), (place) => rows.event(row.key, place));
}

/** The latest events, in their order, as far as their fields fit. */
function* readLatest(rows: HistoryRows, { row, places }: FoundActor): Pieces<HeardEvent[]> {
  const events: HeardEvent[] = [];
  let bytes = 0;
  for (const place of places.slice(-HISTORY_LIMIT).reverse()) {
    const event = row === null ? undefined : rows.event(row.key, place);
    bytes += event?.body.length ?? 0;
    if (bytes > HISTORY_BYTES && events.length > 0) break;
    if (event !== undefined) events.push(event);
    yield;
  }
  return events.reverse();
}

/** The latest decisions, by revision, as far as they fit. */
function* readDecisions(rows: HistoryRows, { row }: FoundActor): Pieces<Taken[]> {
  const decisions: Taken[] = [];
  if (row === null) return decisions;
  let bytes = 0;
  const oldest = Math.max(1, row.revision - HISTORY_LIMIT + 1);
  for (let revision = row.revision; revision >= oldest; revision--) {
    const decision = rows.decision(row.key, revision);
    bytes += decision?.payload.length ?? 0;
    if (bytes > HISTORY_BYTES && decisions.length > 0) break;
    if (decision !== undefined) decisions.push({ entry: toDecision(decision), causedAtMs: decision.causedAtMs });
    yield;
  }
  return decisions.reverse();
}

/** What an actor's machine says of it. */
type Presented = Pick<ActorAnswer, "processingStatus" | "state" | "value" | "due" | "dataCompleteness" | "waitingFor"> &
  PublishedObject;

/**
 * The actor as the writer would have it in memory: a damaged or outdated snapshot is no answer. Of one that is
 * quarantined because it cannot be replayed, what its row says.
 */
function* present(rows: HistoryRows, type: ActorType, actorId: string, found: FoundActor): Pieces<Presented> {
  const { row, held } = found;
  try {
    const restored = row === null ? undefined : restoreActor(type, actorId, row, null);
    const live = restored ?? (yield* rebuildInPieces(type, actorId, yield* readEvents(rows, found)));
    const now = live.snapshot();
    const state = live.state();
    return {
      processingStatus: state,
      state,
      value: now.value,
      due: live.waits(),
      ...type.view(now),
      // Its row has been measured with what it has heard.
      dataCompleteness: type.completeness?.(now) ?? row?.completeness ?? 0,
      waitingFor: type.waitingFor(now).filter((eventType) => !held?.arrived.has(eventType)),
    };
  } catch (error) {
    if (held === undefined || !(error instanceof ReplayError)) throw error;
    const state = row?.state ?? "";
    const dataCompleteness = row?.completeness ?? 0;
    return { processingStatus: state, state, value: null, due: [], dataCompleteness, waitingFor: [] };
  }
}

function noticeOf({ held }: FoundActor): { readonly quarantine?: QuarantineNotice } {
  return held === undefined ? {} : { quarantine: presentNotice(held) };
}

function parseObject(json: string): PublishedObject {
  return JSON.parse(json) as PublishedObject;
}
