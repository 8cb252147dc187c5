import type { Delivery, Observation } from "../flow/delivery.ts";
import type { EventRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";

/** The lane of a message, by the partition in its subject; undefined when it is in none of these. */
export function laneOf(lanes: readonly Lane[], stream: string, subject: string): Lane | undefined {
  const partition = Number(subject.split(".")[1]);
  return lanes.find((lane) => lane.stream === stream && lane.partition === partition);
}

/**
 * An event as the store keeps it, as a delivery: for what has aged out of the stream.
 *
 * Decoding it gives the same observation, but for the trace it came with.
 */
export function storedDelivery(lane: Lane, actorId: string, event: EventRow): Delivery {
  const { type } = lane;
  const { type: eventType, eventId, timestamp, correlationId } = event;
  const data = JSON.parse(event.body) as Observation["data"];
  const fields = {
    ...data,
    [type.idField]: actorId,
    eventType,
    eventId,
    timestamp,
    ...(correlationId === null ? {} : { correlationId }),
  };
  return {
    lane,
    sequence: event.sequence,
    subject: [type.collection, lane.partition, actorId, eventType].join("."),
    body: Buffer.from(JSON.stringify(fields)),
    header: () => undefined,
    headers: () => [],
    storedAtMs: event.storedAtMs,
    stored: { actorId, type: eventType, eventId, timestamp, correlationId, traceparent: null, data },
    ack() {},
  };
}
