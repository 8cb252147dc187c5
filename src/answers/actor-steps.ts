import type { ActorType } from "../actor/actor-type.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { HeardEvent } from "../flow/rows.ts";
import { rfc3339 } from "./present-rows.ts";
import {
  type ActorStep,
  type ActorSteps,
  type DecisionEntry,
  type EventEntry,
  type PublishedObject,
  STEPS_BYTES,
} from "./queries.ts";
import { type Moment, startReplay } from "./replay.ts";
import type { DecisionRow, EventHead, FoundActor } from "./stored-rows.ts";

/** A decision, and when the event that caused it was stored. */
export interface Taken extends Pick<DecisionRow, "causedAtMs"> {
  readonly entry: DecisionEntry;
}

/** Leads an actor through its events; one that is quarantined because it cannot be replayed, as far as it can. */
export function* replaySteps(
  type: ActorType,
  { row, held, actorId }: FoundActor & { readonly actorId: string },
  events: readonly HeardEvent[],
  decisions: readonly Taken[],
): Pieces<Pick<ActorSteps, "initial" | "steps" | "fold">> {
  const attempt = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      if (held === undefined) throw error;
      return undefined;
    }
  };
  const replay = attempt(() => startReplay(type, actorId));
  const initial = attempt(() => replay?.moment()) ?? unknownMoment(row);
  const steps: ActorStep[] = [];
  const byId = Map.groupBy(events, ({ eventId }) => eventId);
  const caused = Map.groupBy(decisions, (decision) => causeOf(decision, byId));
  let bytes = 0;
  for (const event of events) {
    const replayed = attempt(() => replay?.step(event));
    if (replayed === undefined) break;
    const step: ActorStep = {
      event: { ...toEntry(event), data: JSON.parse(event.body) as PublishedObject },
      ...replayed,
      decisions: (caused.get(event) ?? []).map(({ entry }) => entry),
    };
    bytes += JSON.stringify(step).length;
    if (bytes > STEPS_BYTES && steps.length > 0) break;
    steps.push(step);
    yield;
  }
  const fold = attempt(() => replay?.fold());
  return { initial, steps, ...(fold && { fold }) };
}

function unknownMoment(row: FoundActor["row"]): Moment {
  return { state: row?.state ?? "", completeness: row?.completeness ?? 0, waitingFor: [], view: {}, conclusion: null };
}

/** A decision names its cause by id alone: of several types' events with that id it is the one heard when it was taken. */
function causeOf(
  { entry, causedAtMs }: Taken,
  byId: ReadonlyMap<unknown, readonly HeardEvent[]>,
): HeardEvent | undefined {
  const named = byId.get(entry.causationId) ?? [];
  return named.findLast(({ storedAtMs }) => storedAtMs === causedAtMs) ?? named.at(-1);
}

export function toEntry(event: EventHead): EventEntry {
  return {
    eventId: event.eventId,
    eventType: event.type,
    timestamp: event.timestamp,
    receivedAt: rfc3339(event.storedAtMs),
    outcome: event.outcome,
    ...(event.outcome === "reordered" && { replayed: event.replayed }),
    duplicates: event.duplicates,
    conflicts: event.conflicts,
    sequence: event.sequence,
    correlationId: event.correlationId,
  };
}

export function toDecision({ payload, published }: DecisionRow): DecisionEntry {
  return { ...(JSON.parse(payload) as PublishedObject), published: published !== null, sequence: published };
}
