import { orderEvents } from "../../machines/order/events.ts";
import type { OrderEvent } from "../../machines/order/machine.ts";
import { orderType } from "../../machines/order/order.ts";
import { SHOWCASE_ID } from "../../machines/order/reference.ts";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { normaliseTimestamp } from "../../src/actor/event-time.ts";
import type { Delivery } from "../../src/flow/delivery.ts";

/** The accepted messages without their copies, which are the very same object. */
export function distinct(messages: readonly TrafficMessage[]): TrafficMessage[] {
  return [...new Set(messages.filter(({ rejectedAs }) => rejectedAs === undefined))];
}

/** The number in a generated order id; the article's order counts as the first. */
export function rank(actorId = ""): number {
  return actorId === SHOWCASE_ID ? 0 : Number(actorId.slice("order-".length)) - 1000;
}

/** Is this a reservation of nothing? */
export function isEmpty(fields: Record<string, unknown>): boolean {
  return Object.keys(fields.reservedItems ?? { other: 1 }).length === 0;
}

/** A message taken out of its envelope, for tests that look inside. */
export function read(message: TrafficMessage) {
  const json = JSON.parse(String(message.body));
  const fields = (json.data ?? json) as Record<string, unknown>;
  const cloud = (name: string) => message.headers?.[`ce-${name}`] ?? json[name];
  const eventId = String(fields.eventId ?? `${cloud("source")}#${cloud("id")}`);
  const [seconds = "", fraction = ""] = (normaliseTimestamp(String(fields.timestamp)) ?? "").slice(0, -1).split(".");
  return {
    message,
    fields,
    eventId,
    nanoseconds: BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0")),
  };
}

/** A message as the machine gets to see it. */
export function asOrderEvent(message: TrafficMessage): OrderEvent {
  const { fields, eventId } = read(message);
  const type = String(fields.eventType) as OrderEvent["type"];
  const timestamp = normaliseTimestamp(String(fields.timestamp)) ?? "";
  return { type, eventId, timestamp, data: orderEvents[type].parse(fields) } as OrderEvent;
}

/** A message as JetStream would hand it to us. */
export function asDelivery({ subject, body, headers = {} }: TrafficMessage): Delivery {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return {
    lane: { type: orderType, stream: "ORDERS", partition: 0 },
    sequence: 1,
    subject: subject.replace(/^orders\./, "orders.0."),
    body: bytes,
    header: (name) => Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1],
    headers: () => Object.entries(headers),
    storedAtMs: Date.UTC(2026, 11, 1),
    ack: () => {},
  };
}
