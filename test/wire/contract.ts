import { createHash } from "node:crypto";
import { EVENTS } from "./order-fields.ts";
import { Refusal } from "./refusal.ts";

/*
 * The wire contract once more, written from docs/wire.md, by hand and without any code of `src/` or `machines/`: what
 * must be accepted and what it must be read as, what must be refused and why.
 */

/** One message of ORDERS, as it is stored there. */
export interface Stored {
  /** With the partition token. */
  readonly subject: string;
  readonly body: Uint8Array;
  readonly header: Header;
  readonly headerLines: number;
  readonly storedAtMs: number;
}

/** What must come of a message that is accepted. */
export interface Accepted {
  readonly actorId: string;
  readonly type: string;
  readonly eventId: string;
  readonly timestamp: string;
  readonly correlationId: string | null;
  readonly data: unknown;
}

type Json = Record<string, unknown>;
type Header = (name: string) => string | undefined;

/** No more are read, neither by natstate nor by a client that is guarded as natstate's is. */
const HEADER_LINES_READ = 256;

/** @returns the event, or the reason for which it belongs in DEAD_LETTERS. */
export function judge(message: Stored, maxBytes = 65_536): Accepted | string {
  try {
    return readEvent(message, maxBytes);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

function readEvent({ subject, body, header, headerLines, storedAtMs }: Stored, maxBytes: number): Accepted {
  if (body.length > maxBytes || headerLines >= HEADER_LINES_READ) throw new Refusal("too_large");
  if (header("content-type")?.toLowerCase().startsWith("application/cloudevents-batch")) throw invalid();
  const [, , subjectId, subjectType] = subject.split(".");
  const { event, id, actor } = unwrap(readObject(body), header, subjectId);
  const type = event.eventType;
  if (typeof type !== "string") throw invalid();
  if (/^xstate\b/.test(type)) throw new Refusal("reserved_type");
  const keep = Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined;
  if (keep === undefined) throw new Refusal("unknown_event_type");
  const actorId = event.orderId ?? actor;
  if (typeof actorId !== "string" || actorId.length > 128 || !/^[\w:-]+$/.test(actorId)) throw invalid();
  if (actorId !== subjectId || type !== subjectType) throw new Refusal("subject_mismatch");
  const { text, ms } = readTime(event.timestamp);
  if (ms < 0 || ms > storedAtMs + 86_400_000) throw new Refusal("timestamp_out_of_range");
  const eventId = label(event.eventId ?? header("Nats-Msg-Id") ?? id());
  const correlationId = label(event.correlationId ?? header("Natstate-Correlation-Id"));
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header("traceparent") ?? "");
  return {
    actorId,
    type,
    eventId: eventId ?? createHash("sha256").update(canonical(event)).digest("hex"),
    timestamp: text,
    correlationId: correlationId ?? trace?.[1] ?? null,
    data: keep(event),
  };
}

function readObject(body: Uint8Array): Json {
  const text = tryTo(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body), "malformed_json");
  // What is nested too deep is not parsed.
  if (!text.startsWith("\ufeff") && depthOf(text) > 32) throw invalid();
  const value: unknown = tryTo(() => JSON.parse(text), "malformed_json");
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid();
  JSON.parse(text, (key, inner) => {
    if (key === "__proto__" || !key.isWellFormed()) throw invalid();
    if (typeof inner === "string" && !inner.isWellFormed()) throw invalid();
    return inner;
  });
  return value as Json;
}

function tryTo<Result>(read: () => Result, reason: string): Result {
  try {
    return read();
  } catch {
    throw new Refusal(reason);
  }
}

function depthOf(json: string): number {
  let [depth, deepest] = [0, 0];
  for (const [bracket] of json.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)/gs, "").matchAll(/[[\]{}]/g)) {
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
  const isMarked = content.startsWith("application/cloudevents");
  if (body.specversion !== undefined && (isMarked || (!isBinary && hasData && body.orderId === undefined))) {
    const data = body.data === undefined ? readBase64(body) : body.data;
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw invalid();
    return { event: merge(data as Json, body.type, body.time), id: join(body), actor: body.subject ?? token };
  }
  if (!isBinary) return { event: body, id: () => undefined, actor: undefined };
  const [type, time, id, source, subject] = ["type", "time", "id", "source", "subject"].map((name) =>
    readAttribute(header(`ce-${name}`)),
  );
  return { event: merge(body, type, time), id: join({ source, id }), actor: subject ?? token };
}

function readBase64({ data_base64: text, datacontenttype: type }: Json): unknown {
  if (type !== undefined && !/[/+]json *(;|$)/i.test(String(type))) throw invalid();
  if (typeof text !== "string" || Buffer.from(text, "base64").toString("base64") !== text) throw invalid();
  return readObject(Buffer.from(text, "base64"));
}

/** One round of percent-decoding, of bytes that have to be UTF-8. */
function readAttribute(value: string | undefined): string | undefined {
  const plain = value?.startsWith('"') && value.endsWith('"') && value.length > 1 ? unquote(value) : value;
  return plain?.replace(/(%[0-9a-f]{2})+/gi, (run) => {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    return tryTo(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), "invalid_event");
  });
}

function unquote(value: string): string {
  return value.slice(1, -1).replace(/\\(.)/gs, "$1");
}

/** Asked for only when the event has no other identity. */
function join({ source, id }: Json): () => unknown {
  return () => {
    if (id === undefined || id === null || source === undefined || source === null) return id ?? undefined;
    for (const part of [id, source]) if (typeof part !== "string" || part === "") throw invalid();
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
  if (typeof value !== "string" || value === "" || value.length > 256) throw invalid();
  return value;
}

/** RFC 3339 with a zone, in UTC; a time that no calendar has is none. */
function readTime(value: unknown): { text: string; ms: number } {
  if (typeof value !== "string" || value.length > 64) throw invalid();
  const match = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(value);
  if (match === null) throw invalid();
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) throw invalid();
  const [, sign = "+", zoneHour = "0", zoneMinute = "0"] = /^([+-])(\d\d):(\d\d)$/.exec(match[8] ?? "") ?? [];
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) throw invalid();
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const ms = date.getTime() - Number(`${sign}1`) * (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  const utc = new Date(ms);
  if (utc.getUTCFullYear() < 0 || utc.getUTCFullYear() > 9999) throw invalid();
  const digits = (match[7] ?? "").slice(0, 9);
  const fraction = digits.replace(/0+$/, "").padEnd(3, "0");
  return { text: `${utc.toISOString().slice(0, 19)}.${fraction}Z`, ms: ms + Number(digits.padEnd(3, "0").slice(0, 3)) };
}

/** RFC 8785: keys sorted by UTF-16, no spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((inner) => canonical(inner)).join()}]`;
  if (typeof value === "number" && !Number.isFinite(value)) throw invalid();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value)
    .sort()
    .filter((key) => (value as Json)[key] !== undefined);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Json)[key])}`).join()}}`;
}

function invalid(): Refusal {
  return new Refusal("invalid_event");
}
