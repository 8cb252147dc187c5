import { createHash } from "node:crypto";
import type { ActorType } from "../actor/actor-type.ts";
import { MAX_LABEL_LENGTH } from "../wire/envelope.ts";
import { eventTypeOf } from "../wire/names.ts";
import type { Rejected } from "../wire/rejection.ts";
import { invalid, isRejected } from "../wire/rejection.ts";
import type { Delivery } from "./delivery.ts";
import { type Fields, readJsonObject } from "./json-body.ts";
import { mismatch } from "./mismatch.ts";

/** An event taken out of its CloudEvents 1.0 envelope, or as it came when it had none. */
export interface Unwrapped {
  readonly fields: Fields;
  readonly envelope?: Envelope;
}

/** What a CloudEvents envelope says; any of it may be missing. */
export interface Envelope {
  /** What its attributes are called in errors: `ce-id` in binary mode, `id` in structured mode. */
  readonly prefix: "ce-" | "";
  readonly type?: unknown;
  readonly time?: unknown;
  readonly id?: unknown;
  readonly source?: unknown;
  readonly subject?: unknown;
}

const ATTRIBUTES = ["type", "time", "id", "source", "subject"] as const;
const STRUCTURED = "application/cloudevents";

/**
 * Takes an event out of a CloudEvents envelope, in binary (`ce-*` headers) or structured mode
 * (`application/cloudevents+json`). What the data says itself wins over the envelope.
 *
 * Source: CloudEvents 1.0.2, its JSON format and its NATS protocol binding.
 */
export function readCloudEvent(
  delivery: Delivery,
  body: Fields,
  { idField, events }: Pick<ActorType, "idField" | "events">,
): Unwrapped | Rejected {
  const isBinary = delivery.header("ce-specversion") !== undefined;
  if (
    body.specversion !== undefined &&
    (saysContent(delivery, STRUCTURED) || (!isBinary && looksStructured(body, idField)))
  ) {
    const data = readData(body);
    if (isRejected(data)) return data;
    const { type, time, id, source, subject } = body;
    const eventType = eventTypeIn(type, delivery, events);
    return unwrap(data.fields, { prefix: "", type, time, id, source, subject }, eventType);
  }
  if (!isBinary) return { fields: body };
  const attributes = readAttributes(delivery);
  if (isRejected(attributes)) return attributes;
  return unwrap(body, attributes, eventTypeIn(attributes.type, delivery, events));
}

/** Several events in one message cannot be about one subject. */
export function isCloudEventBatch(delivery: Delivery): boolean {
  return saysContent(delivery, `${STRUCTURED}-batch`);
}

function saysContent(delivery: Delivery, prefix: string): boolean {
  return delivery.header("content-type")?.toLowerCase().startsWith(prefix) ?? false;
}

/** Without a content type it must not be taken for an event that has such fields of its own. */
function looksStructured(body: Fields, idField: string): boolean {
  return (body.data !== undefined || body.data_base64 !== undefined) && body[idField] === undefined;
}

function readData({ data, data_base64: encoded, datacontenttype }: Fields): { readonly fields: Fields } | Rejected {
  if (data === undefined && encoded !== undefined) {
    const isJson = datacontenttype === undefined || /[/+]json\s*(;|$)/i.test(String(datacontenttype));
    if (!isJson) return invalid("datacontenttype: expected JSON, such as application/json");
    if (
      typeof encoded !== "string" ||
      !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)
    ) {
      return invalid(mismatch("data_base64", "base64 text", encoded));
    }
    return readJsonObject("data_base64", Buffer.from(encoded, "base64"));
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return { fields: data as Fields };
  const error = mismatch("data", "an object", data);
  return invalid(typeof data === "string" ? `${error}; put the event there as JSON, not as text that holds it` : error);
}

function readAttributes(delivery: Delivery): Envelope | Rejected {
  const found: { [Name in (typeof ATTRIBUTES)[number]]?: string } = {};
  for (const name of ATTRIBUTES) {
    const header = delivery.header(`ce-${name}`);
    if (header === undefined) continue;
    const value = decodeHeader(header);
    if (value === undefined) return invalid(`ce-${name}: percent-encoded bytes are not UTF-8`);
    found[name] = value;
  }
  return { prefix: "ce-", ...found };
}

/**
 * Takes quotes and percent-encoding off a header's value; a percent sign that encodes nothing stays.
 *
 * Source: the NATS protocol binding, section 3.1.3.2.
 *
 * @returns undefined when it encodes what is not UTF-8.
 */
function decodeHeader(value: string): string | undefined {
  const [, quoted] = /^"(.*)"$/s.exec(value) ?? [];
  try {
    return (quoted?.replace(/\\(.)/gs, "$1") ?? value).replace(/(?:%[0-9A-Fa-f]{2})+/g, decodeURIComponent);
  } catch {
    return undefined;
  }
}

function unwrap(data: Fields, envelope: Envelope, eventType: unknown): Unwrapped {
  return { fields: { timestamp: envelope.time, eventType, ...data }, envelope };
}

/**
 * Types are often written in reverse DNS: `com.example.orders.OrderCreated`. Of the contract's that it ends with, the one that
 * the subject says, so that a contract may get longer ones; else the longest; the last part when there is none. One that is
 * XState's own stays whole.
 */
function eventTypeIn(type: unknown, { subject }: Delivery, events: ActorType["events"]): unknown {
  if (typeof type !== "string" || type.startsWith("xstate.")) return type;
  const ends = Object.keys(events).filter((name) => endsWithType(type, name));
  const told = eventTypeOf(subject);
  if (ends.includes(told)) return told;
  const [longest = type.slice(type.lastIndexOf(".") + 1)] = ends.sort((a, b) => b.length - a.length);
  return longest;
}

/** Is it the event type, or does it end with it? */
export function endsWithType(type: string, eventType: string): boolean {
  return type === eventType || type.endsWith(`.${eventType}`);
}

/**
 * Identity of a CloudEvent: `source` and `id` together are unique, the id alone is not. It reads `<source>#<id>`, with
 * `%` and `#` of the id percent-encoded so that no two pairs meet; its SHA-256 when that is longer than an id may be.
 */
export function joinSource(source: string, id: string): string {
  const joined = `${source}#${id.replaceAll("%", "%25").replaceAll("#", "%23")}`;
  return joined.length <= MAX_LABEL_LENGTH ? joined : createHash("sha256").update(joined).digest("hex");
}

/** The id that {@link joinSource} was given; an id without a source as it is. */
export function withoutSource(eventId: string): string {
  return eventId
    .slice(eventId.lastIndexOf("#") + 1)
    .replaceAll("%23", "#")
    .replaceAll("%25", "%");
}
