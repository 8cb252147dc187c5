import type { Delivery, EventRow, Lane } from "../flow/ports.ts";

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
  const fields = {
    ...(JSON.parse(event.body) as object),
    [type.idField]: actorId,
    eventType: event.type,
    eventId: event.eventId,
    timestamp: event.timestamp,
    ...(event.correlationId === null ? {} : { correlationId: event.correlationId }),
  };
  return {
    lane,
    sequence: event.sequence,
    subject: [type.collection, lane.partition, actorId, event.type].join("."),
    body: Buffer.from(JSON.stringify(fields)),
    header: () => undefined,
    headers: () => [],
    storedAtMs: event.storedAtMs,
    ack() {},
  };
}
