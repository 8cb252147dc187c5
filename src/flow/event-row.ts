import type { Lane } from "../wire/lanes.ts";
import { eventToken } from "../wire/names.ts";
import { type Delivery, keptHeaders, type Observation, toDelivery } from "./delivery.ts";
import { freezeJson } from "./hosts/settle.ts";
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

/**
 * An event as its actor's history keeps it, as the delivery it was: for what has aged out of the stream.
 *
 * Decoding it gives the same observation, but for the trace it came with.
 */
export function storedDelivery(
  lane: Lane,
  actorId: string,
  event: EventRow,
): Delivery & { readonly stored: Observation } {
  const { type } = lane;
  const { type: eventType, eventId, timestamp, correlationId } = event;
  // As frozen as one that was just decoded: a machine that changes it must fail on both.
  const data = freezeJson(JSON.parse(event.body)) as Observation["data"];
  const fields = {
    ...data,
    [type.idField]: actorId,
    eventType,
    eventId,
    timestamp,
    ...(correlationId === null ? {} : { correlationId }),
  };
  const message = {
    sequence: event.sequence,
    subject: [type.collection, lane.partition, actorId, eventToken(eventType)].join("."),
    body: Buffer.from(JSON.stringify(fields)),
    ...keptHeaders([]),
    storedAtMs: event.storedAtMs,
  };
  const stored = { actorId, type: eventType, eventId, timestamp, correlationId, traceparent: null, data };
  return { ...toDelivery(lane, message), stored };
}
