import type Database from "better-sqlite3";
import type { ActorType } from "../../machines/actor-type.ts";
import { type Envelope, type LiveActor, restoreActor } from "../flow/actors.ts";
import { rebuildActor } from "../flow/hot-actors.ts";
import type { EventRow } from "../flow/ports.ts";
import {
  type ActorStep,
  type DecisionEntry,
  type EventEntry,
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
  readonly standing: string | null;
  readonly updatedAtMs: number;
  /** The latest revision as published. */
  readonly decision: string | null;
}

interface HistoryRow extends Omit<EventRow, "body"> {
  readonly outcome: EventEntry["outcome"];
  readonly duplicates: number;
}

type StepRow = EventRow & HistoryRow;

interface DecisionRow {
  readonly payload: string;
  readonly published: number | null;
}

const HISTORY_COLUMNS = `event_id AS eventId, type, timestamp, stored_ms AS storedAtMs, sequence, outcome, duplicates,
  correlation_id AS correlationId`;

/** Questions about one actor. */
export function createActorQueries(db: Database.Database): Pick<Queries, "get" | "history" | "steps" | "next"> {
  const selectActor = db.prepare(`SELECT a.key, a.events, a.standing, a.updated_ms AS updatedAtMs,
    a.machine_version AS machineVersion, a.checksum, a.snapshot, d.payload AS decision
    FROM actors a LEFT JOIN decisions d ON d.actor_key = a.key AND d.revision = a.revision
    WHERE a.type = ? AND a.id = ?`);
  const selectKey = db.prepare("SELECT key FROM actors WHERE type = ? AND id = ?").pluck();
  const selectLatest = db.prepare(`SELECT ${HISTORY_COLUMNS} FROM events WHERE actor_key = ?
    ORDER BY sequence DESC LIMIT ${HISTORY_LIMIT}`);
  const selectLatestWithBody = db.prepare(`SELECT ${HISTORY_COLUMNS}, body FROM events WHERE actor_key = ?
    ORDER BY sequence DESC LIMIT ${HISTORY_LIMIT}`);
  const selectAll = db.prepare(`SELECT actor_key AS actorKey, ${HISTORY_COLUMNS}, body FROM events WHERE actor_key = ?
    ORDER BY sequence`);
  const selectFirst = db.prepare(`SELECT actor_key AS actorKey, ${HISTORY_COLUMNS}, body FROM events WHERE actor_key = ?
    ORDER BY sequence LIMIT ?`);
  const countEvents = db.prepare("SELECT count(*) FROM events WHERE actor_key = ?").pluck();
  const selectDecisions = db.prepare(`SELECT payload, published FROM decisions WHERE actor_key = ?
    ORDER BY revision DESC LIMIT ${HISTORY_LIMIT}`);

  /** The actor as the writer would have it in memory: a damaged or outdated snapshot is no answer. */
  function revive(type: ActorType, row: ActorRow): LiveActor {
    return restoreActor(type, row) ?? rebuildActor(type, selectAll.all(row.key) as EventRow[]);
  }

  return {
    // A transaction, so that the row and its history are of the same moment.
    get: db.transaction((type: ActorType, actorId: string) => {
      const row = selectActor.get(type.name, actorId) as ActorRow | undefined;
      if (row === undefined) return undefined;
      const live = revive(type, row);
      const context = live.context();
      return {
        [type.idField]: actorId,
        processingStatus: live.state(),
        ...type.view(context),
        dataCompleteness: type.completeness(context),
        decision: row.standing === null || row.decision === null ? null : parseObject(row.decision),
        version: row.events,
        lastUpdated: rfc3339(row.updatedAtMs),
        eventHistory: (selectLatest.all(row.key) as HistoryRow[]).reverse().map(toEntry),
        waitingFor: type.waitingFor(context),
      };
    }),
    history: db.transaction((type: ActorType, actorId: string) => {
      const key = selectKey.get(type.name, actorId) as number | undefined;
      if (key === undefined) return undefined;
      const events = selectLatestWithBody.all(key) as (HistoryRow & { body: string })[];
      return {
        [type.idField]: actorId,
        events: events.reverse().map((row) => ({ ...toEntry(row), data: parseObject(row.body) })),
        decisions: (selectDecisions.all(key) as DecisionRow[]).reverse().map(toDecision),
      };
    }),
    steps: db.transaction((type: ActorType, actorId: string) => {
      const key = selectKey.get(type.name, actorId) as number | undefined;
      if (key === undefined) return undefined;
      const rows = selectFirst.all(key, STEPS_LIMIT) as StepRow[];
      const decisions = (selectDecisions.all(key) as DecisionRow[]).reverse().map(toDecision);
      const total = countEvents.get(key) as number;
      return { [type.idField]: actorId, total, ...replaySteps(type, rows, decisions) };
    }),
    next: db.transaction((type: ActorType, actorId: string, at = STEPS_LIMIT) => {
      const key = selectKey.get(type.name, actorId) as number | undefined;
      if (key === undefined) return undefined;
      const rows = selectFirst.all(key, Math.min(at, STEPS_LIMIT)) as StepRow[];
      const replay = startReplay(type);
      for (const row of rows) replay.step(row);
      return { [type.idField]: actorId, at: rows.length, next: replay.foresee() };
    }),
  };
}

function replaySteps(type: ActorType, rows: readonly StepRow[], decisions: readonly DecisionEntry[]) {
  const replay = startReplay(type);
  const initial = replay.moment();
  const steps: ActorStep[] = [];
  let bytes = 0;
  for (const row of rows) {
    const step: ActorStep = {
      event: { ...toEntry(row), data: parseObject(row.body) },
      ...replay.step(row),
      decisions: decisions.filter(({ causationId }) => causationId === row.eventId),
    };
    bytes += JSON.stringify(step).length;
    if (bytes > STEPS_BYTES && steps.length > 0) break;
    steps.push(step);
  }
  return { initial, steps };
}

function toEntry(row: HistoryRow): EventEntry {
  return {
    eventId: row.eventId,
    eventType: row.type,
    timestamp: row.timestamp,
    receivedAt: rfc3339(row.storedAtMs),
    outcome: row.outcome,
    duplicates: row.duplicates,
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
