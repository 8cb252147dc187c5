import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { ActorType } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { aheadOf, hearsTicks, TIME_PASSED } from "../actor/delays.ts";
import { normaliseTimestamp } from "../actor/event-time.ts";
import { sealOwn } from "../actor/seal.ts";
import { MAX_LABEL_LENGTH } from "../wire/envelope.ts";
import { ACTOR_ID, ACTOR_ID_EXPECTED, eventToken, fromToken } from "../wire/names.ts";
import type { Rejected } from "../wire/rejection.ts";
import { invalid, isRejected, reject } from "../wire/rejection.ts";
import { TICK_FIELDS, tickId } from "../wire/tick.ts";
import { endsWithType, isCloudEventBatch, joinSource, readCloudEvent, type Unwrapped } from "./cloud-event.ts";
import type { Delivery, Observation } from "./delivery.ts";
import { settle } from "./hosts/settle.ts";
import { type Fields, readJsonObject } from "./json-body.ts";
import { explainIssue, mismatch } from "./mismatch.ts";

/** Limits an event is held to before anything is parsed. */
export interface DecodeLimits {
  /** Bytes of a message body. */
  readonly maxBytes: number;
}

/** Header lines of a message that are read. */
export const MAX_HEADERS = 256;
const HOUR_MS = 60 * 60 * 1000;
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * Reads one delivery against its actor type's contract (docs/wire.md).
 *
 * @returns the observation, or why this delivery can never be one. Never throws for what a publisher sent.
 */
export function decode(delivery: Delivery, limits: DecodeLimits): Observation | Rejected {
  const { stored } = delivery;
  if (stored !== undefined && contractOf(delivery.lane.type, stored.type) !== undefined) return stored;
  const event = read(delivery, limits);
  if (isRejected(event)) return event;
  const name = readName(delivery, event);
  if (isRejected(name)) return name;
  const timestamp = readTimestamp(delivery, event);
  if (typeof timestamp !== "string") return timestamp;
  const eventId = readEventId(delivery, event);
  if (typeof eventId === "object") return eventId;
  if (name.eventType === TIME_PASSED && eventId !== tickId(timestamp)) {
    return invalid(mismatch("eventId", `${tickId(timestamp)}, as its timestamp says`, eventId));
  }
  const traceparent = readTraceparent(delivery);
  const correlationId = readCorrelationId(delivery, event);
  if (typeof correlationId === "object") return correlationId;
  const data = readData(name.contract, event.fields);
  if (isRejected(data)) return data;
  const identity = eventId ?? digest(event.fields);
  if (identity === null) {
    return invalid("eventId: expected one, as a number in the event is too large for canonical JSON");
  }
  return {
    actorId: name.actorId,
    type: name.eventType,
    eventId: identity,
    timestamp,
    correlationId: correlationId ?? traceparent?.traceId ?? null,
    traceparent: traceparent?.header ?? null,
    data: data.fields,
  };
}

/**
 * Reads an event's fields back from its stored JSON, as {@link decode} read them when it arrived: the contract is not
 * asked again, as one that transforms takes its own output for something else, or refuses it.
 */
export function decodeStored(type: ActorType, eventType: string, body: string): Fields {
  if (contractOf(type, eventType) === undefined) {
    throw new Error(`stored event type ${eventType} is not one of ${type.name}'s`);
  }
  return JSON.parse(body) as Fields;
}

/** @returns undefined when the type hears no such event. A tick is heard by those for whom time passes. */
function contractOf(type: ActorType, eventType: string): ActorType["events"][string] | undefined {
  if (eventType === TIME_PASSED && hearsTicks(type)) return TICK_FIELDS;
  return Object.hasOwn(type.events, eventType) ? type.events[eventType] : undefined;
}

/** A contract has code of its own (`refine`, `transform`): what that throws is this event's trouble. */
function readData(contract: ActorType["events"][string], fields: Fields): { fields: Fields } | Rejected {
  try {
    const data = contract.safeParse(fields);
    if (!data.success) return invalid(explainIssue(contract, fields, data.error.issues[0]));
    const { problem, isSame } = sealOwn("event", data.data);
    if (problem !== undefined) return invalid(`${problem}; its contract makes that of it`);
    return { fields: isSame ? data.data : (settle("event", data.data) as Fields) };
  } catch (error) {
    return invalid(`event: its contract fails on it: ${asError(error).message}`);
  }
}

function read(delivery: Delivery, { maxBytes }: DecodeLimits): Unwrapped | Rejected {
  const { body, lane, headerCount = 0 } = delivery;
  if (headerCount > MAX_HEADERS) {
    return reject("too_large", `headers: ${headerCount}, at most ${MAX_HEADERS} are read`);
  }
  if (body.length > maxBytes) {
    return reject("too_large", `body: ${body.length} bytes, at most ${maxBytes} are accepted`);
  }
  if (isCloudEventBatch(delivery)) {
    return invalid("body: a batch of CloudEvents is not read; publish each event as a message of its own");
  }
  const parsed = readJsonObject("body", body);
  return isRejected(parsed) ? parsed : readCloudEvent(delivery, parsed.fields, lane.type);
}

/** What an event is, and about whom; the subject has to say the same. */
interface Name {
  readonly eventType: string;
  readonly contract: ActorType["events"][string];
  readonly actorId: string;
}

function readName({ lane, subject }: Delivery, { fields, envelope }: Unwrapped): Name | Rejected {
  const { type } = lane;
  const [, , subjectId = "", subjectType = ""] = subject.split(".");
  const { eventType } = fields;
  const typeName = envelope === undefined ? "eventType" : `${envelope.prefix}type`;
  if (typeof eventType !== "string") return invalid(mismatch(typeName, "text", eventType));
  // A CloudEvent's type is quoted as it was sent, of which the event type is only the last part.
  const whole = envelope?.type;
  const shown = quote(typeof whole === "string" && endsWithType(whole, eventType) ? whole : eventType);
  if (/^xstate\b/.test(eventType)) return reject("reserved_type", `eventType: ${shown} is reserved`);
  const contract = contractOf(type, eventType);
  if (contract === undefined) {
    const meant = fromToken(eventType);
    const hint = Object.hasOwn(type.events, meant) ? `; only its subject has colons: ${meant}` : "";
    return reject("unknown_event_type", `eventType: ${shown} is none of ${Object.keys(type.events).join(", ")}${hint}`);
  }
  const given = fields[type.idField];
  const actorId = given ?? (envelope === undefined ? given : (envelope.subject ?? subjectId));
  if (typeof actorId !== "string") return invalid(mismatch(type.idField, "text", actorId));
  if (!ACTOR_ID.test(actorId)) {
    return invalid(mismatch(type.idField, ACTOR_ID_EXPECTED, actorId));
  }
  if (actorId !== subjectId) {
    return reject("subject_mismatch", `${type.idField}: ${quote(actorId)}, but the subject says ${quote(subjectId)}`);
  }
  const token = eventToken(eventType);
  if (token !== subjectType) {
    const expected = token === eventType ? "" : `, not ${quote(token)}`;
    return reject("subject_mismatch", `eventType: ${shown}, but the subject says ${quote(subjectType)}${expected}`);
  }
  // Two partitions are read by two owners, who would both decide about it.
  if (lane.holds?.(actorId) === false) {
    return reject(
      "subject_mismatch",
      `${type.idField}: ${quote(actorId)} is not of partition ${lane.partition}, in which it was stored: the stream's subject transform was another one`,
    );
  }
  return { eventType, contract, actorId };
}

/** @returns event time, normalised. */
function readTimestamp(
  { lane, storedAtMs }: Delivery,
  { fields: { timestamp, eventType } }: Unwrapped,
): string | Rejected {
  if (typeof timestamp !== "string") {
    return invalid(mismatch("timestamp", "text such as 2026-01-31T12:00:00Z", timestamp));
  }
  const instant = normaliseTimestamp(timestamp);
  if (instant === null) {
    return invalid(mismatch("timestamp", "RFC 3339 with a zone, for example 2026-01-31T12:00:00Z", timestamp));
  }
  const ms = Date.parse(instant);
  if (ms < 0) {
    return reject(
      "timestamp_out_of_range",
      "timestamp: before 1970, as a time is that nobody has set (Go's zero time is 0001-01-01T00:00:00Z); send when it happened",
    );
  }
  const aheadMs = aheadOf(lane.type);
  // A tick that is ahead of its storing says nothing, and is ignored where that is counted.
  if (eventType !== TIME_PASSED && ms > storedAtMs + aheadMs) {
    const ahead = aheadMs % HOUR_MS === 0 ? `${aheadMs / HOUR_MS} h` : `${aheadMs / 1000} s`;
    return reject("timestamp_out_of_range", `timestamp: ${instant} is more than ${ahead} after the message was stored`);
  }
  return instant;
}

/** @returns undefined when the event says nothing about its identity. Null says nothing. */
function readEventId(delivery: Delivery, { fields, envelope }: Unwrapped): string | undefined | Rejected {
  const given = fields.eventId ?? undefined;
  if (given !== undefined) return readLabel("eventId", given);
  const header = delivery.header("Nats-Msg-Id");
  if (header !== undefined) return readLabel("Nats-Msg-Id", header);
  const id = envelope?.id ?? undefined;
  if (envelope === undefined || id === undefined) return undefined;
  const { prefix, source } = envelope;
  if (source === undefined || source === null) return readLabel(`${prefix}id`, id);
  for (const [name, value] of [
    ["id", id],
    ["source", source],
  ] as const) {
    if (typeof value !== "string" || value === "") return invalid(mismatch(prefix + name, "text", value));
  }
  return joinSource(String(source), String(id));
}

/** @returns undefined when the event has none. Null is none. */
function readCorrelationId(delivery: Delivery, { fields }: Unwrapped): string | undefined | Rejected {
  const given = fields.correlationId ?? undefined;
  if (given !== undefined) return readLabel("correlationId", given);
  const header = delivery.header("Natstate-Correlation-Id");
  return header === undefined ? undefined : readLabel("Natstate-Correlation-Id", header);
}

function readLabel(name: string, value: unknown): string | Rejected {
  if (typeof value !== "string") return invalid(mismatch(name, "text", value));
  if (value.length >= 1 && value.length <= MAX_LABEL_LENGTH) return value;
  return invalid(
    `${mismatch(name, `text of 1 to ${MAX_LABEL_LENGTH} characters`, value)}${value === "" ? "; leave it out" : ""}`,
  );
}

function readTraceparent(delivery: Delivery): { header: string; traceId: string } | null {
  const header = delivery.header("traceparent");
  if (header === undefined) return null;
  const traceId = TRACEPARENT.exec(header)?.[1];
  return traceId === undefined ? null : { header: header.slice(0, 55), traceId };
}

/** @returns null when there is no canonical JSON: 1e999 is JSON, but Infinity is not (RFC 8785, 3.2.2.3). */
function digest(fields: Fields): string | null {
  try {
    return createHash("sha256")
      .update(canonicalize(fields) ?? "")
      .digest("hex");
  } catch {
    return null;
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}...` : value);
}
