import type Database from "better-sqlite3";
import type { ActorType } from "../../machines/actor-type.ts";
import { type Envelope, type LiveActor, restoreActor } from "../flow/actors.ts";
import { rebuildInPieces } from "../flow/hot-actors.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { EventRow } from "../flow/ports.ts";
import {
  type ActorHistory,
  type ActorStep,
  type ActorSteps,
  type DecisionEntry,
  type EventEntry,
  HISTORY_BYTES,
  HISTORY_LIMIT,
  type PublishedObject,
  type Queries,
  STEPS_BYTES,
  STEPS_LIMIT,
} from "../flow/queries.ts";
import { startReplay } from "../flow/replay.ts";
import { rfc3339 } from "./rfc-3339.ts";

interface ActorRow extends Envelope {
  readonly key: number;
  readonly events: number;
  readonly revision: number;
  readonly standing: string | null;
  readonly updatedAtMs: number;
  /** The latest revision as published. */
  readonly decision: string | null;
}

interface Found {
  readonly row: ActorRow;
  /** Of its events, in the order in which they were applied. */
  readonly places: readonly number[];
}

interface HistoryRow extends Omit<EventRow, "body"> {
  readonly outcome: EventEntry["outcome"];
  readonly duplicates: number;
  readonly conflicts: number;
}

type StepRow = EventRow & HistoryRow;

interface DecisionRow {
  readonly payload: string;
  readonly published: number | null;
  readonly causedAtMs: number;
}

/** A decision, and when the event that caused it was stored. */
interface Taken extends Pick<DecisionRow, "causedAtMs"> {
  readonly entry: DecisionEntry;
}

const HISTORY_COLUMNS = `event_id AS eventId, type, timestamp, stored_ms AS storedAtMs, sequence, outcome, duplicates,
  conflicts, correlation_id AS correlationId`;

/** Questions about one actor. */
export function createActorQueries(db: Database.Database): Pick<Queries, "get" | "history" | "steps" | "next"> {
  const selectActor = db.prepare(`SELECT a.key, a.events, a.revision, a.standing, a.updated_ms AS updatedAtMs,
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
    return row && { row, places: selectPlaces.all(row.key) as number[] };
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

  return {
    *get(type, actorId) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const { row, places } = found;
      const live = yield* revive(type, found);
      const latest = yield* readEvents<HistoryRow>(selectEvent, found, places.slice(-HISTORY_LIMIT));
      const context = live.context();
      return {
        [type.idField]: actorId,
        processingStatus: live.state(),
        ...type.view(context),
        dataCompleteness: type.completeness(context),
        decision: row.standing === null || row.decision === null ? null : parseObject(row.decision),
        version: row.events,
        lastUpdated: rfc3339(row.updatedAtMs),
        eventHistory: latest.map(toEntry),
        waitingFor: type.waitingFor(context),
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
      return { [type.idField]: actorId, total: found.places.length, events, decisions };
    },
    *steps(type, actorId) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const rows = yield* readEvents<StepRow>(selectWithBody, found, found.places.slice(0, STEPS_LIMIT));
      const replayed = yield* replaySteps(type, rows, yield* readDecisions(found));
      return { [type.idField]: actorId, total: found.places.length, ...replayed };
    },
    *next(type, actorId, at = STEPS_LIMIT) {
      const found = find(type, actorId);
      if (found === undefined) return undefined;
      const places = found.places.slice(0, Math.min(at, STEPS_LIMIT));
      const rows = yield* readEvents<StepRow>(selectWithBody, found, places);
      const replay = startReplay(type);
      for (const row of rows) {
        replay.step(row);
        yield;
      }
      return { [type.idField]: actorId, at: rows.length, next: replay.foresee() };
    },
  };
}

function* replaySteps(
  type: ActorType,
  rows: readonly StepRow[],
  decisions: readonly Taken[],
): Pieces<Pick<ActorSteps, "initial" | "steps">> {
  const replay = startReplay(type);
  const initial = replay.moment();
  const steps: ActorStep[] = [];
  const byId = Map.groupBy(rows, ({ eventId }) => eventId);
  const caused = Map.groupBy(decisions, (decision) => causeOf(decision, byId));
  let bytes = 0;
  for (const row of rows) {
    const step: ActorStep = {
      event: { ...toEntry(row), data: parseObject(row.body) },
      ...replay.step(row),
      decisions: (caused.get(row) ?? []).map(({ entry }) => entry),
    };
    bytes += JSON.stringify(step).length;
    if (bytes > STEPS_BYTES && steps.length > 0) break;
    steps.push(step);
    yield;
  }
  return { initial, steps };
}

/** A decision names its cause by id alone: of several types' events with that id it is the one heard when it was taken. */
function causeOf({ entry, causedAtMs }: Taken, byId: ReadonlyMap<unknown, readonly StepRow[]>): StepRow | undefined {
  const named = byId.get(entry.causationId) ?? [];
  return named.findLast(({ storedAtMs }) => storedAtMs === causedAtMs) ?? named.at(-1);
}

function toEntry(row: HistoryRow): EventEntry {
  return {
    eventId: row.eventId,
    eventType: row.type,
    timestamp: row.timestamp,
    receivedAt: rfc3339(row.storedAtMs),
    outcome: row.outcome,
    duplicates: row.duplicates,
    conflicts: row.conflicts,
    sequence: row.sequence,
    correlationId: row.correlationId,
  };
}

function toDecision({ payload, published }: DecisionRow): DecisionEntry {
  return { ...parseObject(payload), published: published !== null, sequence: published };
}

function parseObject(json: string): PublishedObject {
  return JSON.parse(json) as PublishedObject;
}
