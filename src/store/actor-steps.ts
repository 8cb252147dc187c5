import type { ActorType } from "../actor/actor-type.ts";
import type { Envelope } from "../actor/interpreter.ts";
import {
  type ActorStep,
  type ActorSteps,
  type DecisionEntry,
  type EventEntry,
  type PublishedObject,
  STEPS_BYTES,
} from "../answers/queries.ts";
import { type Moment, startReplay } from "../answers/replay.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { EventRow } from "../flow/rows.ts";
import type { Held } from "./quarantine-notice.ts";
import { rfc3339 } from "./rfc-3339.ts";

/** An actor's row. */
export interface ActorRow extends Envelope {
  readonly key: number;
  readonly state: string;
  /** 0 to 100. */
  readonly completeness: number;
  readonly events: number;
  readonly revision: number;
  readonly standing: string | null;
  readonly updatedAtMs: number;
  /** The latest revision as published. */
  readonly decision: string | null;
}

/** An actor as it was when it was asked about. */
export interface Found {
  readonly row: ActorRow;
  /** Of its events, in the order in which they were applied. */
  readonly places: readonly number[];
  /** Set while it is quarantined. */
  readonly held: Held | undefined;
}

/** One of its events, without its fields. */
export interface HistoryRow extends Omit<EventRow, "body"> {
  readonly outcome: EventEntry["outcome"];
  readonly duplicates: number;
  readonly conflicts: number;
}

/** One of its events. */
export type StepRow = EventRow & HistoryRow;

/** One of its decisions. */
export interface DecisionRow {
  readonly payload: string;
  readonly published: number | null;
  readonly causedAtMs: number;
}

/** A decision, and when the event that caused it was stored. */
export interface Taken extends Pick<DecisionRow, "causedAtMs"> {
  readonly entry: DecisionEntry;
}

/** Leads an actor through its events; one that is quarantined because it cannot be replayed, as far as it can. */
export function* replaySteps(
  type: ActorType,
  { row: actor, held }: Found,
  rows: readonly StepRow[],
  decisions: readonly Taken[],
): Pieces<Pick<ActorSteps, "initial" | "steps">> {
  const attempt = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      if (held === undefined) throw error;
      return undefined;
    }
  };
  const replay = attempt(() => startReplay(type));
  const initial = attempt(() => replay?.moment()) ?? unknownMoment(actor);
  const steps: ActorStep[] = [];
  const byId = Map.groupBy(rows, ({ eventId }) => eventId);
  const caused = Map.groupBy(decisions, (decision) => causeOf(decision, byId));
  let bytes = 0;
  for (const row of rows) {
    const replayed = attempt(() => replay?.step(row));
    if (replayed === undefined) break;
    const step: ActorStep = {
      event: { ...toEntry(row), data: parseObject(row.body) },
      ...replayed,
      decisions: (caused.get(row) ?? []).map(({ entry }) => entry),
    };
    bytes += JSON.stringify(step).length;
    if (bytes > STEPS_BYTES && steps.length > 0) break;
    steps.push(step);
    yield;
  }
  return { initial, steps };
}

function unknownMoment({ state, completeness }: ActorRow): Moment {
  return { state, completeness, waitingFor: [], view: {}, conclusion: null };
}

/** A decision names its cause by id alone: of several types' events with that id it is the one heard when it was taken. */
function causeOf({ entry, causedAtMs }: Taken, byId: ReadonlyMap<unknown, readonly StepRow[]>): StepRow | undefined {
  const named = byId.get(entry.causationId) ?? [];
  return named.findLast(({ storedAtMs }) => storedAtMs === causedAtMs) ?? named.at(-1);
}

/** An event as it is told. */
export function toEntry(row: HistoryRow): EventEntry {
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

/** A decision as it is told. */
export function toDecision({ payload, published }: DecisionRow): DecisionEntry {
  return { ...parseObject(payload), published: published !== null, sequence: published };
}

/** Stored JSON. */
export function parseObject(json: string): PublishedObject {
  return JSON.parse(json) as PublishedObject;
}
