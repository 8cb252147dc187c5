import type { Delivery, Observation } from "./delivery.ts";
import type { EventRow } from "./rows.ts";

/** An event as its actor's history keeps it. */
export function eventRow(actorKey: number, delivery: Delivery, observation: Observation): EventRow {
  return {
    actorKey,
    eventId: observation.eventId,
    type: observation.type,
    timestamp: observation.timestamp,
    storedAtMs: delivery.storedAtMs,
    sequence: delivery.sequence,
    correlationId: observation.correlationId,
    body: JSON.stringify(observation.data),
  };
}
