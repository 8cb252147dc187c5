import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { ActorType } from "../../machines/actor-type.ts";
import { normaliseTimestamp } from "../../machines/event-time.ts";
import { asError } from "./as-error.ts";
import { readCloudEvent } from "./cloud-event.ts";
import type { Delivery, Observation, Rejected, RejectionReason } from "./ports.ts";
import { seal } from "./seal.ts";

/** Limits an event is held to before anything is parsed. */
export interface DecodeLimits {
  /** Bytes of a message body. */
  readonly maxBytes: number;
}

/** Header lines of a message that are read. */
export const MAX_HEADERS = 256;
const MAX_DEPTH = 32;
const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;
const ACTOR_ID = /^[A-Za-z0-9_:-]{1,128}$/;
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** The event's fields before they are checked against the contract. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one delivery against its actor type's contract (DESIGN, section 3).
 *
 * @returns the observation, or why this delivery can never be one. Never throws for what a publisher sent.
 */
export function decode(delivery: Delivery, limits: DecodeLimits): Observation | Rejected {
  const { headerCount = 0 } = delivery;
  if (headerCount > MAX_HEADERS) {
    return reject("too_large", `headers: ${headerCount}, at most ${MAX_HEADERS} are read`);
  }
  const { type } = delivery.lane;
  if (delivery.stored !== undefined && Object.hasOwn(type.events, delivery.stored.type)) return delivery.stored;
  const parsed = parse(delivery.body, limits);
  if (isRejected(parsed)) return parsed;
  const event = readCloudEvent(delivery, parsed.fields, type.idField);
  const eventType = event.fields.eventType;
  const [, , subjectId = "", subjectType = ""] = delivery.subject.split(".");

  if (typeof eventType !== "string") return invalid("eventType: expected a string");
  if (/^xstate\b/.test(eventType)) return reject("reserved_type", `eventType: ${quote(eventType)} is reserved`);
  const contract = Object.hasOwn(type.events, eventType) ? type.events[eventType] : undefined;
  if (contract === undefined) {
    return reject(
      "unknown_event_type",
      `eventType: ${quote(eventType)} is none of ${Object.keys(type.events).join(", ")}`,
    );
  }
  const actorId = event.fields[type.idField] ?? event.subject ?? undefined;
  if (typeof actorId !== "string" || !ACTOR_ID.test(actorId)) {
    return invalid(`${type.idField}: expected 1 to 128 of A-Z a-z 0-9 _ - :`);
  }
  if (actorId !== subjectId) {
    return reject("subject_mismatch", `${type.idField}: ${quote(actorId)}, but the subject says ${quote(subjectId)}`);
  }
  if (eventType !== subjectType) {
    return reject("subject_mismatch", `eventType: ${quote(eventType)}, but the subject says ${quote(subjectType)}`);
  }
  const timestamp = typeof event.fields.timestamp === "string" ? normaliseTimestamp(event.fields.timestamp) : null;
  if (timestamp === null) return invalid("timestamp: expected RFC 3339 with a zone, for example 2026-01-31T12:00:00Z");
  if (Date.parse(timestamp) > delivery.storedAtMs + MAX_AHEAD_MS) {
    return reject("timestamp_out_of_range", `timestamp: ${timestamp} is more than 24 h after the message was stored`);
  }
  const eventId = event.fields.eventId ?? delivery.header("Nats-Msg-Id") ?? event.id ?? undefined;
  if (eventId !== undefined && !isLabel(eventId)) return invalid("eventId: expected a string of 1 to 256 characters");
  const correlationId = event.fields.correlationId ?? delivery.header("Natstate-Correlation-Id") ?? undefined;
  if (correlationId !== undefined && !isLabel(correlationId)) {
    return invalid("correlationId: expected a string of 1 to 256 characters");
  }
  const data = readData(contract, event.fields);
  if (isRejected(data)) return data;
  const traceparent = readTraceparent(delivery);
  const identity = eventId ?? digest(event.fields);
  if (identity === null)
    return invalid("eventId: expected one, as a number in the event is too large for canonical JSON");
  return {
    actorId,
    type: eventType,
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
  if (!Object.hasOwn(type.events, eventType)) {
    throw new Error(`stored event type ${eventType} is not one of ${type.name}'s`);
  }
  return JSON.parse(body) as Fields;
}

/** A contract has code of its own (`refine`, `transform`): what that throws is this event's trouble. */
function readData(contract: ActorType["events"][string], fields: Fields): { fields: Fields } | Rejected {
  try {
    const data = contract.safeParse(fields);
    if (!data.success) {
      const [issue] = data.error.issues;
      return invalid(`${issue?.path.join(".") || "event"}: ${issue?.message ?? "not as the contract says"}`);
    }
    const problem = seal("event", data.data);
    return problem === undefined ? { fields: data.data } : invalid(`${problem}; its contract makes that of it`);
  } catch (error) {
    return invalid(`event: its contract fails on it: ${asError(error).message}`);
  }
}

/** Is this a rejection, not the thing asked for? */
export function isRejected(value: Observation | Rejected | { fields: Fields }): value is Rejected {
  return "reason" in value;
}

function parse(body: Uint8Array, limits: DecodeLimits): { fields: Fields } | Rejected {
  if (body.length > limits.maxBytes) {
    return reject("too_large", `body: ${body.length} bytes, at most ${limits.maxBytes} are accepted`);
  }
  if (!isUtf8(body)) return reject("malformed_json", "body: not UTF-8");
  if (isNestedDeeper(body, MAX_DEPTH)) return invalid(`body: nested deeper than ${MAX_DEPTH} levels`);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 quotes the body in its message; payloads stay out of headers and logs.
    const why = (error as Error).message.replace(/, (?:\.\.\.)?".*$/s, "");
    return reject("malformed_json", `body: ${text === "" ? "empty" : why}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return invalid("body: expected an object");
  // The key survives JSON.parse as an own property; escapes can hide it from the first look, and only they can hold
  // half a character, which neither a column of the store nor canonical JSON can.
  if (text.includes("__proto__") || text.includes("\\u")) {
    const problem = findForbidden(value);
    if (problem !== null) return invalid(`body: ${problem}`);
  }
  return { fields: value as Fields };
}

function isNestedDeeper(body: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

/** @returns what no event may have anywhere, null when it has none of it. */
function findForbidden(value: unknown): string | null {
  if (typeof value === "string" && !value.isWellFormed()) return "text with a lone surrogate is not Unicode";
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const problem =
      key === "__proto__" ? "the key __proto__ is not accepted" : (findForbidden(key) ?? findForbidden(inner));
    if (problem !== null) return problem;
  }
  return null;
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

function isLabel(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 256;
}

function invalid(error: string): Rejected {
  return reject("invalid_event", error);
}

function reject(reason: RejectionReason, error: string): Rejected {
  return { reason, error: oneLine(error) };
}

function quote(value: string): string {
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}...` : value);
}

/** NATS headers are one line each, and a log line is read by a person. */
export function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 300);
}
