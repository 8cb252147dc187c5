import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Random } from "../../src/actor/seeded-random.ts";

/** One observation before it is put into bytes. */
export interface Draft {
  readonly eventType: string;
  /** Milliseconds after the order's first moment. */
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Event {
  readonly eventId?: string;
  readonly eventType: string;
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

type Headers = Readonly<Record<string, string>>;

/** Which service publishes an event type: the first part of its event ids, and its CloudEvents source. */
const SERVICES: Readonly<Record<string, string>> = {
  OrderCreated: "checkout",
  PaymentProcessed: "payment",
  InventoryReserved: "inventory",
  ShippingCalculated: "shipping",
  LoyaltyPointsUpdated: "loyalty",
};

/** Publishes drafts as the wire contract's plain JSON, every one with an event id and the order's correlation id. */
export function publishPlainly(orderId: string, firstMs: number, drafts: readonly Draft[]): TrafficMessage[] {
  return drafts.map(({ eventType, at, fields }, position) => {
    const timestamp = new Date(firstMs + at).toISOString();
    const eventId = `${serviceOf(eventType)}-${position + 1}`;
    const event = { orderId, timestamp, eventType, eventId, correlationId: `checkout-${orderId}`, ...fields };
    return { subject: `orders.${orderId}.${eventType}`, body: JSON.stringify(event), actorId: orderId };
  });
}

/**
 * Publishes drafts as services that never agreed on a library would: mostly plain JSON, one in ten as a CloudEvent,
 * times in other zones or in nanoseconds, some orders traced, some without a correlation id.
 */
export function publishAnyhow(
  orderId: string,
  firstMs: number,
  drafts: readonly Draft[],
  random: Random,
): TrafficMessage[] {
  const correlation = random() < 0.9 ? { correlationId: `checkout-${orderId}` } : {};
  // Told per order: an event in nanoseconds and one in milliseconds would never have equal times.
  const inNanoseconds = random() < 0.15;
  const traceId = random() < 0.3 ? hex(random, 4) : undefined;
  return drafts.map(({ eventType, at, fields }, position) => {
    const timestamp = inNanoseconds ? nanosecondTime(firstMs + at) : millisecondTime(firstMs + at, random);
    // The digits before the position decide between equal timestamps, so that either event may win.
    const eventId = `${serviceOf(eventType)}-${hex(random, 1)}-${position + 1}`;
    const event = { orderId, timestamp, eventType, eventId, ...correlation, ...fields };
    const headers: Headers = traceId === undefined ? {} : { traceparent: `00-${traceId}-${hex(random, 2)}-01` };
    const { headers: all, body } = wrap(event, headers, random());
    return {
      subject: `orders.${orderId}.${eventType}`,
      body,
      actorId: orderId,
      ...(Object.keys(all).length === 0 ? {} : { headers: all }),
    };
  });
}

/** A CloudEvent carries its id as its own attribute, not in the data; a plain event carries everything itself. */
function wrap(event: Event, headers: Headers, dice: number): { body: string; headers: Headers } {
  if (dice >= 0.1) return { body: JSON.stringify(event), headers };
  const { eventId = "", ...data } = event;
  const attributes = {
    specversion: "1.0",
    id: eventId,
    type: event.eventType,
    source: `/services/${serviceOf(event.eventType)}`,
    time: event.timestamp,
  };
  if (dice < 0.04) {
    const envelope = { ...attributes, datacontenttype: "application/json", data };
    return { body: JSON.stringify(envelope), headers: { ...headers, "content-type": "application/cloudevents+json" } };
  }
  const ce = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
  return { body: JSON.stringify(data), headers: { ...headers, ...ce, "content-type": "application/json" } };
}

/** Mostly in UTC; some services are two hours east. */
function millisecondTime(epochMs: number, random: Random): string {
  if (random() < 0.1) return `${new Date(epochMs + 7_200_000).toISOString().slice(0, -1)}+02:00`;
  return new Date(epochMs).toISOString();
}

/** As services written in Go send it; equal milliseconds stay equal. */
function nanosecondTime(epochMs: number): string {
  const finer = ((epochMs % 86_400_000) * 7919) % 1_000_000;
  return `${new Date(epochMs).toISOString().slice(0, -1)}${String(finer).padStart(6, "0")}Z`;
}

function serviceOf(eventType: string): string {
  return SERVICES[eventType] ?? "unknown";
}

/** `words` times eight hexadecimal digits. */
function hex(random: Random, words: number): string {
  let digits = "";
  for (let word = 0; word < words; word++) {
    digits += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  }
  return digits;
}
