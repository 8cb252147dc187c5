import { createHash } from "node:crypto";

/*
 * The wire contract, written a second time from its description alone (docs/wire.md, docs/order.md): nothing here or in
 * the other checker files comes from `src/` or `machines/`, so that a mistake would have to be made twice.
 */

/** One message of a stream, as it lies there. */
export interface Stored {
  readonly sequence: number;
  /** With the partition token. */
  readonly subject: string;
  readonly header: (name: string) => string | undefined;
  readonly headerLines: number;
  readonly body: Uint8Array;
  readonly storedAtMs: number;
}

export type Json = { readonly [field: string]: unknown };

/** An event that has to have an effect. */
export interface Accepted {
  readonly orderId: string;
  readonly eventId: string;
  readonly type: string;
  /** RFC 3339 in UTC. */
  readonly at: string;
  /** Nanoseconds since 1970. */
  readonly instant: bigint;
  /** Stream time of this delivery, ms since 1970. */
  readonly storedAtMs: number;
  readonly correlationId: string | null;
  readonly fields: Json;
}

const MAX_BYTES = 65_536;
/** No more are read, neither by natstate nor by the client here, which is guarded as natstate's is. */
const HEADER_LINES_READ = 256;
const DAY_MS = 86_400_000;

const isText = (value: unknown, least = 0) => typeof value === "string" && value.length >= least && value.length <= 256;
const isAmount = (value: unknown) => Number.isFinite(value) && (value as number) >= 0;
const isWhole = (value: unknown, least = 0) => Number.isSafeInteger(value) && (value as number) >= least;
const isAbsent = (value: unknown) => value === undefined;
const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown, most: number, each: (entry: Json) => boolean) =>
  Array.isArray(value) && value.length <= most && value.every((entry) => isRecord(entry) && each(entry));

const FIELDS: Readonly<Record<string, (event: Json) => boolean>> = {
  OrderCreated: ({ customerId, totalAmount, currency, items }) =>
    isText(customerId, 1) &&
    isAmount(totalAmount) &&
    /^[A-Z]{3}$/.test(String(currency)) &&
    (isAbsent(items) ||
      isList(
        items,
        1000,
        ({ sku, quantity, price }) => isText(sku, 1) && isWhole(quantity, 1) && (isAbsent(price) || isAmount(price)),
      )),
  PaymentProcessed: ({ transactionId, amount, status, method }) =>
    (isAbsent(transactionId) || isText(transactionId)) &&
    isAmount(amount) &&
    ["pending", "successful", "failed"].includes(String(status)) &&
    (isAbsent(method) || isText(method)),
  InventoryReserved: ({ reservedItems, warehouseId }) =>
    isRecord(reservedItems) &&
    Object.entries(reservedItems).every(([sku, quantity]) => isText(sku, 1) && isWhole(quantity)) &&
    isText(warehouseId),
  ShippingCalculated: ({ shippingCost, estimatedDays, carrierOptions }) =>
    isAmount(shippingCost) &&
    isWhole(estimatedDays) &&
    (isAbsent(carrierOptions) || isList(carrierOptions, 100, ({ name }) => isText(name, 1))),
  LoyaltyPointsUpdated: ({ pointsEarned, totalPoints, tierStatus }) =>
    Number.isSafeInteger(pointsEarned) && Number.isSafeInteger(totalPoints) && isText(tierStatus),
};

/** @returns the event, or the reason for which it belongs in DEAD_LETTERS. */
export function judge(message: Stored): Accepted | string {
  if (message.body.length > MAX_BYTES || message.headerLines >= HEADER_LINES_READ) return "too_large";
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message.body));
  } catch {
    return "malformed_json";
  }
  if (!isRecord(body) || hasForbiddenKey(body)) return "invalid_event";
  const { event, id: cloudId } = unwrap(message, body);
  const [, , subjectId = "", subjectType = ""] = message.subject.split(".");
  const { orderId, eventType, timestamp } = event;
  if (typeof eventType !== "string") return "invalid_event";
  if (eventType === "xstate" || eventType.startsWith("xstate.")) return "reserved_type";
  const fieldsAreRight = FIELDS[eventType];
  if (fieldsAreRight === undefined) return "unknown_event_type";
  if (typeof orderId !== "string" || !/^[\w:-]{1,128}$/.test(orderId)) return "invalid_event";
  if (orderId !== subjectId || eventType !== subjectType) return "subject_mismatch";
  const time = readTime(timestamp);
  if (time === undefined) return "invalid_event";
  if (Number(time.instant / 1_000_000n) > message.storedAtMs + DAY_MS) return "timestamp_out_of_range";
  const eventId = event.eventId ?? message.header("Nats-Msg-Id") ?? cloudId;
  const correlationId = event.correlationId ?? message.header("Natstate-Correlation-Id");
  for (const label of [eventId, correlationId]) if (!isAbsent(label) && !isText(label, 1)) return "invalid_event";
  if (!fieldsAreRight(event)) return "invalid_event";
  return {
    orderId,
    eventId: (eventId as string | undefined) ?? createHash("sha256").update(canonical(event)).digest("hex"),
    type: eventType,
    ...time,
    storedAtMs: message.storedAtMs,
    correlationId: (correlationId as string | undefined) ?? message.header("traceparent")?.split("-")[1] ?? null,
    fields: event,
  };
}

/** Takes a CloudEvent, binary or structured, out of its envelope; its data wins over its attributes. */
function unwrap({ header, subject }: Stored, body: Json): { event: Json; id?: unknown } {
  const merge = (data: Json, type: unknown, time: unknown, about: unknown): Json => ({
    orderId: about ?? subject.split(".")[2],
    eventType: typeof type === "string" ? type.split(".").at(-1) : type,
    timestamp: time,
    ...data,
  });
  if (header("ce-specversion") !== undefined) {
    return {
      event: merge(body, header("ce-type"), header("ce-time"), header("ce-subject")),
      id: joined(header("ce-source"), header("ce-id")),
    };
  }
  if (header("content-type")?.startsWith("application/cloudevents") && isRecord(body.data)) {
    return { event: merge(body.data, body.type, body.time, body.subject), id: joined(body.source, body.id) };
  }
  return { event: body };
}

/** Source and id of a CloudEvent together are its identity. */
function joined(source: unknown, id: unknown): unknown {
  return source === undefined || id === undefined ? id : `${source}#${id}`;
}

function hasForbiddenKey(value: object, depth = 1): boolean {
  if (depth > 32 || Object.hasOwn(value, "__proto__")) return true;
  return Object.values(value).some(
    (inner) => typeof inner === "object" && inner !== null && hasForbiddenKey(inner, depth + 1),
  );
}

/** RFC 3339 with a zone, to the nanosecond. */
function readTime(text: unknown): { at: string; instant: bigint } | undefined {
  const [, seconds, fraction = "", zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(String(text)) ?? [];
  if (seconds === undefined || Number.isNaN(Date.parse(`${seconds}${zone}`))) return undefined;
  const epochMs = Date.parse(`${seconds}${zone}`);
  const nanoseconds = fraction.slice(0, 9).padEnd(9, "0");
  const shown = nanoseconds.slice(0, 3) + nanoseconds.slice(3).replace(/0+$/, "");
  return {
    at: `${new Date(epochMs).toISOString().slice(0, 19)}.${shown}Z`,
    instant: BigInt(epochMs) * 1_000_000n + BigInt(nanoseconds),
  };
}

/** RFC 8785 for what JSON.parse gives. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const names = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}
