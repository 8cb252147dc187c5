import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import { type LiveActor, restoreActor } from "../actor/interpreter.ts";
import {
  type ActorAnswer,
  type ActorHistory,
  HISTORY_BYTES,
  HISTORY_LIMIT,
  type PublishedObject,
  type QuarantineNotice,
  type Queries,
  STEPS_LIMIT,
} from "../answers/queries.ts";
import { startReplay } from "../answers/replay.ts";
import { ReplayError, rebuildInPieces } from "../flow/hot-actors.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { EventRow } from "../flow/rows.ts";
import {
  type ActorRow,
  type DecisionRow,
  type Found,
  type HistoryRow,
  parseObject,
  replaySteps,
  type StepRow,
  type Taken,
  toDecision,
  toEntry,
} from "./actor-steps.ts";
import { createHeldQuery } from "./quarantine-notice.ts";
import { rfc3339 } from "./rfc-3339.ts";

/** Of an actor whose machine failed on the first event heard of it: nothing was ever applied, so it has no row. */
const NOTHING_APPLIED = {
  key: 0,
  state: "",
  completeness: 0,
  events: 0,
  revision: 0,
  standing: null,
  decision: null,
  machineVersion: -1,
  checksum: 0,
  snapshot: "",
};

const HISTORY_COLUMNS = `event_id AS eventId, type, timestamp, stored_ms AS storedAtMs, sequence, outcome, duplicates,
  conflicts, correlation_id AS correlationId`;

/** Questions about one actor. */
export function createActorQueries(db: Database.Database): Pick<Queries, "get" | "history" | "steps" | "next"> {
  const findHeld = createHeldQuery(db);
  const selectActor =
    db.prepare(`SELECT a.key, a.state, a.completeness, a.events, a.revision, a.standing, a.updated_ms AS updatedAtMs,
    a.machine_version AS machineVersion, a.checksum, a.snapshot, d.payload AS decision
    FROM actors a LEFT JOIN decisions d ON d.actor_key = a.key AND d.revision = a.revision
    WHERE a.type = ? AND a.id = ?`);
  // From an index alone: to sort an actor's rows would mean to read all of them.
  const selectPlaces = db.prepare("SELECT rowid FROM events WHERE actor_key = ? ORDER BY rowid").pluck();
  const selectEvent = db.prepare(`SELECT ${HISTORY_COLUMNS} FROM events WHERE rowid = ? AND actor_key = ?`);
  const selectWithBody = db.prepare(`SELECT actor_key AS actorKey, ${HISTORY_COLUMNS}, body FROM events
    WHERE rowid = ? AND actor_key = ?`);
  const selectDecision = db.prepare(`SELECT payload, published, caused_ms AS causedAtMs FROM decisions
    WHERE actor_key = ? AND revision = ?`);

  /** The actor at this moment, and where its events are: they stay as they are while they are read, piece by piece. */
  const find = db.transaction((type: ActorType, actorId: string): Found | undefined => {
    const row = selectActor.get(type.name, actorId) as ActorRow | undefined;
    const held = findHeld(type, actorId);
    if (row !== undefined) return { row, places: selectPlaces.all(row.key) as number[], held };
    if (held === undefined) return undefined;
    return { row: { ...NOTHING_APPLIED, updatedAtMs: Date.parse(held.notice.since) }, places: [], held };
  });

  /** Without those of an actor that is retired meanwhile: its place may be another one's. */
  function* readEvents<Row>(select: Database.Statement, { row }: Found, places: readonly number[]): Pieces<Row[]> {
    const rows: Row[] = [];
    for (const place of places) {
      const event = select.get(place, row.key) as Row | undefined;
      if (event !== undefined) rows.push(event);
      yield;
    }
    return rows;
  }

  /** The latest events, newest first, as far as their fields fit. */
  function* readLatest({ row, places }: Found): Pieces<StepRow[]> {
    const rows: StepRow[] = [];
    let bytes = 0;
    for (const place of places.slice(-HISTORY_LIMIT).reverse()) {
      const event = selectWithBody.get(place, row.key) as StepRow | undefined;
      bytes += event?.body.length ?? 0;
      if (bytes > HISTORY_BYTES && rows.length > 0) break;
      if (event !== undefined) rows.push(event);
      yield;
    }
    return rows;
  }

  /** The latest decisions, by revision, as far as they fit. */
  function* readDecisions({ row }: Found): Pieces<Taken[]> {
    const decisions: Taken[] = [];
    let bytes = 0;
    const oldest = Math.max(1, row.revision - HISTORY_LIMIT + 1);
    for (let revision = row.revision; revision >= oldest; revision--) {
      const decision = selectDecision.get(row.key, revision) as DecisionRow | undefined;
      bytes += decision?.payload.length ?? 0;
      if (bytes > HISTORY_BYTES && decisions.length > 0) break;
      if (decision !== undefined) decisions.push({ entry: toDecision(decision), causedAtMs: decision.causedAtMs });
      yield;
    }
    return decisions.reverse();
  }

  /** The actor as the writer would have it in memory: a damaged or outdated snapshot is no answer. */
  function* revive(type: ActorType, found: Found): Pieces<LiveActor> {
    const restored = restoreActor(type, found.row);
    if (restored !== undefined) return restored;
    return yield* rebuildInPieces(type, yield* readEvents<EventRow>(selectWithBody, found, found.places));
  }

  /** What follows from its machine; of one that is quarantined because it cannot be replayed, what its row says. */
  function* present(type: ActorType, found: Found): Pieces<Presented> {
    try {
      const live = yield* revive(type, found);
      const context = live.context();
      return {
        processingStatus: live.state(),
        ...type.view(context),
        dataCompleteness: type.completeness(context),
        waitingFor: type.waitingFor(context).filter((eventType) => !found.held?.arrived.has(eventType)),
      };
    } catch (error) {
      if (found.held === undefined || !(error instanceof ReplayError)) throw error;
      const { state, completeness } = found.row;
      return { processingStatus: state, dataCompleteness: completeness, waitingFor: [] };
    }
  }

  return {
    *get(type, actorId) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const { row, places } = found;
      const { processingStatus, dataCompleteness, waitingFor, ...facets } = yield* present(type, found);
      const latest = yield* readEvents<HistoryRow>(selectEvent, found, places.slice(-HISTORY_LIMIT));
      return {
        [type.idField]: actorId,
        processingStatus,
        ...facets,
        dataCompleteness,
        decision: row.standing === null || row.decision === null ? null : parseObject(row.decision),
        version: row.events,
        lastUpdated: rfc3339(row.updatedAtMs),
        eventHistory: latest.map(toEntry),
        waitingFor,
        ...noticeOf(found),
      };
    },
    *history(type, actorId) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const events: ActorHistory["events"][number][] = [];
      for (const row of (yield* readLatest(found)).reverse()) {
        events.push({ ...toEntry(row), data: parseObject(row.body) });
        yield;
      }
      const decisions = (yield* readDecisions(found)).map(({ entry }) => entry);
      return { [type.idField]: actorId, total: found.places.length, events, decisions, ...noticeOf(found) };
    },
    *steps(type, actorId) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const rows = yield* readEvents<StepRow>(selectWithBody, found, found.places.slice(0, STEPS_LIMIT));
      const replayed = yield* replaySteps(type, found, rows, yield* readDecisions(found));
      return { [type.idField]: actorId, total: found.places.length, ...replayed, ...noticeOf(found) };
    },
    *next(type, actorId, at = STEPS_LIMIT) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const places = found.places.slice(0, Math.min(at, STEPS_LIMIT));
      const rows = yield* readEvents<StepRow>(selectWithBody, found, places);
      // Whatever comes is kept back, and it may be that it cannot be replayed.
      if (found.held !== undefined) return { [type.idField]: actorId, at: rows.length, next: [] };
      const replay = startReplay(type);
      for (const row of rows) {
        replay.step(row);
        yield;
      }
      return { [type.idField]: actorId, at: rows.length, next: replay.foresee() };
    },
  };
}

/** What an actor's machine says of it. */
type Presented = Pick<ActorAnswer, "processingStatus" | "dataCompleteness" | "waitingFor"> & PublishedObject;

function noticeOf({ held }: Found): { readonly quarantine?: QuarantineNotice } {
  return held === undefined ? {} : { quarantine: held.notice };
}
