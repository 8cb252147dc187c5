import type { Lane } from "../wire/lanes.ts";
import { type Delivery, keptHeaders, toDelivery } from "./delivery.ts";
import type { ParkedRow } from "./rows.ts";

/** A delivery as it is kept while its actor is quarantined, or until it is brought back. */
export function parkedRow(delivery: Delivery, actorId: string): ParkedRow {
  const { lane, sequence, subject, storedAtMs, body } = delivery;
  return {
    type: lane.type.name,
    actorId,
    sequence,
    subject,
    storedAtMs,
    body,
    headers: JSON.stringify(delivery.headers()),
  };
}

/** The delivery a parked row was; it was acknowledged long ago. */
export function unpark(lane: Lane, row: ParkedRow): Delivery {
  return toDelivery(lane, { ...row, ...keptHeaders(JSON.parse(row.headers)) });
}
