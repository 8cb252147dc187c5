import { createHash } from "node:crypto";
import type { FuzzCase } from "./cases.ts";

/*
 * The wire contract once more, written from docs/wire.md, by hand and without any code of `src/` or `machines/`:
 * what the decoder must accept, and what it must make of it.
 */

/** What must come of an accepted event. */
export interface Expected {
  readonly actorId: string;
  readonly type: string;
  readonly eventId: string;
  readonly timestamp: string;
  readonly correlationId: string | null;
  readonly data: unknown;
}

type Json = Record<string, unknown>;
type Check = (value: unknown) => unknown;
type Header = (name: string) => string | undefined;

/** Thrown, and caught here only: not an event. */
const NO = Symbol("not an event");

/** @returns null when the contract refuses it. */
export function expectOf(given: FuzzCase, maxBytes: number): Expected | null {
  try {
    return readEvent(given, maxBytes);
  } catch (error) {
    if (error === NO) return null;
    throw error;
  }
}

function readEvent({ subject, body, headers, storedAtMs }: FuzzCase, maxBytes: number): Expected {
  const [, , subjectId, subjectType] = subject.split(".");
  const header: Header = (name) =>
    Object.entries(headers).find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1];
  const { event, id, actor } = unwrap(readObject(body, maxBytes), header, subjectId);
  const type = event.eventType;
  const fields = typeof type === "string" && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  if (typeof type !== "string" || fields === undefined) throw NO;
  const actorId = event.orderId ?? actor;
  if (typeof actorId !== "string" || actorId.length > 128 || !/^[\w:-]+$/.test(actorId)) throw NO;
  if (actorId !== subjectId || type !== subjectType) throw NO;
  const { text, ms } = readTime(event.timestamp);
  if (ms < 0 || ms > storedAtMs + 86_400_000) throw NO;
  const eventId = label(event.eventId ?? header("Nats-Msg-Id") ?? id());
  const correlationId = label(event.correlationId ?? header("Natstate-Correlation-Id"));
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header("traceparent") ?? "");
  return {
    actorId,
    type,
    eventId: eventId ?? createHash("sha256").update(canonical(event)).digest("hex"),
    timestamp: text,
    correlationId: correlationId ?? trace?.[1] ?? null,
    data: object(fields)(event),
  };
}

function readObject(body: Uint8Array, maxBytes: number): Json {
  if (body.length > maxBytes) throw NO;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    const value: unknown = JSON.parse(text, (key, inner) => {
      if (key === "__proto__" || !key.isWellFormed()) throw NO;
      if (typeof inner === "string" && !inner.isWellFormed()) throw NO;
      return inner;
    });
    if (typeof value !== "object" || value === null || Array.isArray(value) || depthOf(text) > 32) throw NO;
    return value as Json;
  } catch {
    throw NO;
  }
}

function depthOf(json: string): number {
  let [depth, deepest] = [0, 0];
  for (const [bracket] of json.replace(/"(?:[^"\\]|\\.)*"/g, "").matchAll(/[[\]{}]/g)) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** CloudEvents 1.0: attributes in headers or around the data; what the data says itself wins. */
function unwrap(body: Json, header: Header, token: string | undefined) {
  const content = header("content-type")?.toLowerCase() ?? "";
  const isBinary = header("ce-specversion") !== undefined;
  const hasData = body.data !== undefined || body.data_base64 !== undefined;
  if (content.startsWith("application/cloudevents-batch")) throw NO;
  const isMarked = content.startsWith("application/cloudevents");
  if (body.specversion !== undefined && (isMarked || (!isBinary && hasData && body.orderId === undefined))) {
    const data = body.data === undefined ? readBase64(body) : body.data;
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw NO;
    return { event: merge(data as Json, body.type, body.time), id: join(body), actor: body.subject ?? token };
  }
  if (!isBinary) return { event: body, id: () => undefined, actor: undefined };
  const [type, time, id, source, subject] = ["type", "time", "id", "source", "subject"].map((name) =>
    readAttribute(header(`ce-${name}`)),
  );
  return { event: merge(body, type, time), id: join({ source, id }), actor: subject ?? token };
}

function readBase64({ data_base64: text, datacontenttype: type }: Json): unknown {
  if (type !== undefined && !/[/+]json *(;|$)/i.test(String(type))) throw NO;
  if (typeof text !== "string" || Buffer.from(text, "base64").toString("base64") !== text) throw NO;
  return readObject(Buffer.from(text, "base64"), Number.POSITIVE_INFINITY);
}

/** One round of percent-decoding, of bytes that have to be UTF-8. */
function readAttribute(value: string | undefined): string | undefined {
  const plain = value?.startsWith('"') && value.endsWith('"') && value.length > 1 ? unquote(value) : value;
  return plain?.replace(/(%[0-9a-f]{2})+/gi, (run) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        Buffer.from(run.replaceAll("%", ""), "hex"),
      );
    } catch {
      throw NO;
    }
  });
}

function unquote(value: string): string {
  return value.slice(1, -1).replace(/\\(.)/gs, "$1");
}

/** Asked for only when the event has no other identity. */
function join({ source, id }: Json): () => unknown {
  return () => {
    if (id === undefined || id === null || source === undefined || source === null) return id ?? undefined;
    for (const part of [id, source]) if (typeof part !== "string" || part === "") throw NO;
    const joined = `${source}#${String(id).replace(/[%#]/g, (sign) => (sign === "%" ? "%25" : "%23"))}`;
    return joined.length > 256 ? createHash("sha256").update(joined).digest("hex") : joined;
  };
}

function merge(data: Json, type: unknown, time: unknown): Json {
  const named = typeof type === "string" && !type.startsWith("xstate.") ? type.split(".").at(-1) : type;
  return { eventType: named, timestamp: time, ...data };
}

function label(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "" || value.length > 256) throw NO;
  return value;
}

/** RFC 3339 with a zone, in UTC; a time that no calendar has is none. */
function readTime(value: unknown): { text: string; ms: number } {
  if (typeof value !== "string" || value.length > 64) throw NO;
  const match = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(value);
  if (match === null) throw NO;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) throw NO;
  const [, sign = "+", zoneHour = "0", zoneMinute = "0"] = /^([+-])(\d\d):(\d\d)$/.exec(match[8] ?? "") ?? [];
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) throw NO;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const ms = date.getTime() - Number(`${sign}1`) * (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  const utc = new Date(ms);
  if (utc.getUTCFullYear() < 0 || utc.getUTCFullYear() > 9999) throw NO;
  const digits = (match[7] ?? "").slice(0, 9);
  const fraction = digits.replace(/0+$/, "").padEnd(3, "0");
  return { text: `${utc.toISOString().slice(0, 19)}.${fraction}Z`, ms: ms + Number(digits.padEnd(3, "0").slice(0, 3)) };
}

/** RFC 8785: keys sorted by UTF-16, no spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((inner) => canonical(inner)).join()}]`;
  if (typeof value === "number" && !Number.isFinite(value)) throw NO;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value)
    .sort()
    .filter((key) => (value as Json)[key] !== undefined);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Json)[key])}`).join()}}`;
}

/** A check, and that the field may be absent. */
interface Field {
  readonly check: Check;
  readonly optional?: true;
}

const within = (value: unknown, least: number, isWhole: boolean): number => {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least) throw NO;
  if (isWhole && !Number.isSafeInteger(value)) throw NO;
  return value === 0 ? 0 : value;
};
const amount = { check: (value: unknown) => within(value, 0, false) };
const count = { check: (value: unknown) => within(value, 0, true) };
const points: Field = {
  check(value) {
    if (!Number.isSafeInteger(value)) throw NO;
    return value;
  },
};
const string = (least: number): Field => ({
  check(value) {
    if (typeof value !== "string" || value.length < least || value.length > 256) throw NO;
    return value;
  },
});
const oneOf = (...names: string[]): Field => ({
  check(value) {
    if (!names.some((name) => name === value)) throw NO;
    return value;
  },
});
const list = (most: number, check: Check): Field => ({
  check(value) {
    if (!Array.isArray(value) || value.length > most) throw NO;
    return value.map(check);
  },
});
const optional = ({ check }: Field): Field => ({ check, optional: true });

function object(fields: Readonly<Record<string, Field>>): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw NO;
    const found: Json = {};
    for (const [name, field] of Object.entries(fields)) {
      const inner = Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
      if (inner === undefined && field.optional) continue;
      found[name] = field.check(inner);
    }
    return found;
  };
}

const currency: Field = {
  check(value) {
    if (typeof value !== "string" || !/^[A-Z][A-Z][A-Z]$/.test(value)) throw NO;
    return value;
  },
};
const item = object({
  sku: string(1),
  quantity: { check: (value) => within(value, 1, true) },
  price: optional(amount),
});
const carrier = object({ name: string(1), cost: optional(amount), estimatedDays: optional(count) });
const reserved: Field = {
  check(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw NO;
    const entries = Object.entries(value);
    if (entries.length > 1000) throw NO;
    return Object.fromEntries(entries.map(([sku, quantity]) => [string(1).check(sku), count.check(quantity)]));
  },
};

const FIELDS: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  OrderCreated: { customerId: string(1), totalAmount: amount, currency, items: optional(list(1000, item)) },
  PaymentProcessed: {
    transactionId: optional(string(0)),
    amount,
    status: oneOf("pending", "successful", "failed"),
    method: optional(string(0)),
  },
  InventoryReserved: { reservedItems: reserved, warehouseId: string(0) },
  ShippingCalculated: { shippingCost: amount, estimatedDays: count, carrierOptions: optional(list(100, carrier)) },
  LoyaltyPointsUpdated: { pointsEarned: points, totalPoints: points, tierStatus: string(0) },
};
