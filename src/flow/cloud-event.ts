import type { Fields } from "./decode.ts";
import type { Delivery } from "./ports.ts";

/** An event taken out of its CloudEvents 1.0 envelope, or as it came when it had none. */
export interface Unwrapped {
  readonly fields: Fields;
  /** CloudEvents `id`. */
  readonly id?: unknown;
  /** CloudEvents `subject`, else the NATS subject's token: the actor's id, when the data does not say it. */
  readonly subject?: unknown;
}

/**
 * Takes an event out of a CloudEvents envelope, in binary (`ce-*` headers) or structured mode
 * (`application/cloudevents+json`). What the data says itself wins over the envelope.
 *
 * Source: CloudEvents 1.0.2 and its NATS protocol binding.
 */
export function readCloudEvent(delivery: Delivery, body: Fields, idField: string): Unwrapped {
  const [, , subjectId] = delivery.subject.split(".");
  if (delivery.header("ce-specversion") !== undefined) {
    const attribute = (name: string) => delivery.header(`ce-${name}`);
    return unwrap(body, attribute("type"), attribute("time"), attribute("id"), attribute("subject") ?? subjectId);
  }
  if (isStructured(delivery, body, idField)) {
    const data = typeof body.data === "object" && body.data !== null ? (body.data as Fields) : {};
    return unwrap(data, body.type, body.time, body.id, body.subject ?? subjectId);
  }
  return { fields: body };
}

function isStructured(delivery: Delivery, body: Fields, idField: string): boolean {
  if (body.specversion === undefined || body.data === undefined) return false;
  return delivery.header("content-type")?.startsWith("application/cloudevents") || body[idField] === undefined;
}

function unwrap(data: Fields, type: unknown, time: unknown, id: unknown, subject: unknown): Unwrapped {
  // Types are often written in reverse DNS: com.example.orders.OrderCreated.
  const eventType = typeof type === "string" ? type.slice(type.lastIndexOf(".") + 1) : type;
  const reserved = typeof type === "string" && type.startsWith("xstate.");
  return {
    fields: { timestamp: time, eventType: reserved ? type : eventType, ...data },
    id,
    subject,
  };
}
