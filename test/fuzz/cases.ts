import fc from "fast-check";
import { createRandom } from "../../src/actor/seeded-random.ts";
import { anyValue, IDS, ODD_VALUES, RAW_VALUES, SAMPLES, SUBJECTS, TEXTS, TIMES, TOKENS, TRACES } from "./samples.ts";

/** One message as a publisher could send it. */
export interface FuzzCase {
  readonly kind: string;
  /** As stored, with the partition token. */
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly storedAtMs: number;
}

const STORED_AT_MS = Date.parse("2026-03-01T00:00:00Z");
const POOL = 2000;

/** Makes cases of every kind: valid events, broken ones, and noise. The same seed gives the same ones. */
export function createCases(seed: number): { next(): FuzzCase; value(): unknown } {
  const dice = createDice(seed);
  return { value: dice.value, next: () => nextCase(dice) };
}

function nextCase(dice: Dice): FuzzCase {
  const kind = dice.random();
  if (kind < 0.25) return plain(dice, "valid", () => {});
  if (kind < 0.6) return plain(dice, "mutated", (fields) => mutate(dice, fields));
  if (kind < 0.75) {
    const { id, type, fields } = event(dice);
    const bytes = damage(dice, Buffer.from(JSON.stringify(fields)));
    return build("damaged bytes", subjectOf(dice, id, type), bytes, someHeaders(dice));
  }
  if (kind < 0.9) return cloud(dice);
  return build("noise", dice.pick(SUBJECTS), noise(dice), someHeaders(dice));
}

/** What is left to chance, by one seed. */
interface Dice {
  /** In [0, 1). */
  random(): number;
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
  chance(share: number): boolean;
  /** Any JSON value, mostly one that is worth trying. */
  value(): unknown;
}

function createDice(seed: number): Dice {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const chance = (share: number) => random() < share;
  let pool: unknown[] = [];
  let used = 0;
  return {
    ...{ random, below, pick, chance },
    value() {
      // Those fast-check thinks are worth trying, made anew when all have been used twice.
      if (used++ % (2 * POOL) === 0) pool = fc.sample(anyValue, { seed: below(0x7fffffff), numRuns: POOL });
      return chance(0.3) ? pick(ODD_VALUES) : pick(pool);
    },
  };
}

function event(dice: Dice): { id: string; type: string; fields: Record<string, unknown> } {
  const { below, pick, chance, value } = dice;
  const type = pick(Object.keys(SAMPLES));
  const id = chance(0.8) ? `order-${below(1000)}` : pick(IDS);
  const fields: Record<string, unknown> = {
    orderId: id,
    eventType: type,
    timestamp: chance(0.7) ? TIMES[0] : pick(TIMES),
    ...SAMPLES[type],
  };
  if (chance(0.7)) fields.eventId = `e-${below(1_000_000)}`;
  if (chance(0.2)) fields.correlationId = "c-1";
  if (chance(0.1)) fields.extra = value();
  return { id, type, fields };
}

function mutate(dice: Dice, fields: Record<string, unknown>): void {
  const { below, pick, chance, value } = dice;
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const name = pick([...Object.keys(fields), "__proto__", "constructor", "items", "carrierOptions", "data"]);
    const old = fields[name];
    if (chance(0.2)) delete fields[name];
    else if (chance(0.3) && typeof old === "object" && old !== null) {
      const inner = structuredClone(old) as Record<string, unknown>;
      inner[pick(["0", "sku", "quantity", "cost", ...Object.keys(inner)])] = value();
      fields[name] = inner;
    } else define(fields, name, value());
  }
}

function damage(dice: Dice, bytes: Buffer): Buffer {
  const { below, pick } = dice;
  const at = below(bytes.length + 1);
  switch (below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(TOKENS)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + below(20)))]);
    default: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at % copy.length] = below(256);
      return copy;
    }
  }
}

function someHeaders(dice: Dice): Record<string, string> {
  const { pick, chance } = dice;
  const found: Record<string, string> = {};
  if (chance(0.2)) found["Nats-Msg-Id"] = pick(TEXTS);
  if (chance(0.2)) found["Natstate-Correlation-Id"] = pick(TEXTS);
  if (chance(0.2)) found[pick(["traceparent", "Traceparent"])] = pick(TRACES);
  return found;
}

function subjectOf(dice: Dice, id: string, type: string): string {
  const { below, pick, chance } = dice;
  return chance(0.03) ? pick(SUBJECTS) : `orders.${below(16)}.${id}.${type}`;
}

function plain(dice: Dice, kind: string, change: (fields: Record<string, unknown>) => void): FuzzCase {
  const { pick, chance } = dice;
  const { id, type, fields } = event(dice);
  change(fields);
  const json = JSON.stringify(fields);
  // What JSON can say and JSON.stringify never does.
  const body = chance(0.05)
    ? json.replace(/(?<=:)(\d+|"[^"]*")(?=[,}])/g, (old) => (chance(0.2) ? pick(RAW_VALUES) : old))
    : json;
  return build(kind, subjectOf(dice, id, type), Buffer.from(body), someHeaders(dice));
}

function cloud(dice: Dice): FuzzCase {
  const { pick, chance, value } = dice;
  const { id, type, fields } = event(dice);
  const { orderId, eventType: _type, timestamp, eventId = "ce-1", ...rest } = fields;
  const data: Record<string, unknown> = chance(0.5) ? { orderId, ...rest } : rest;
  const attributes: Record<string, unknown> = {
    specversion: "1.0",
    id: eventId,
    type: pick(["", "com.example.", "xstate."]) + type,
  };
  if (chance(0.9)) attributes.time = timestamp;
  if (chance(0.7)) attributes.source = pick(["/payments", "#", "a#b%", "x".repeat(255), ...TEXTS]);
  if (chance(0.5)) attributes.subject = chance(0.9) ? id : value();
  if (chance(0.3)) mutate(dice, chance(0.5) ? data : attributes);
  const subject = subjectOf(dice, id, type);
  if (chance(0.5)) {
    const contentType: Record<string, string> = chance(0.5) ? { "content-type": "application/cloudevents+json" } : {};
    const json = JSON.stringify(data);
    const wrapped = chance(0.8)
      ? { data: chance(0.95) ? data : json }
      : { data_base64: chance(0.9) ? Buffer.from(json).toString("base64") : json };
    return build("cloud event", subject, Buffer.from(JSON.stringify({ ...attributes, ...wrapped })), contentType);
  }
  const named = Object.entries(attributes).map(([name, inner]) => {
    const header = asHeader(inner);
    return [pick(["ce-", "Ce-", "CE-"]) + name, chance(0.3) ? encodeURIComponent(header) : header];
  });
  return build("cloud event", subject, Buffer.from(JSON.stringify(data)), Object.fromEntries(named));
}

function noise(dice: Dice): Buffer {
  const { below, pick, value } = dice;
  switch (below(4)) {
    case 0:
      return Buffer.from(Array.from({ length: below(100) }, () => below(256)));
    case 1:
      return Buffer.from(Array.from({ length: below(40) }, () => pick(TOKENS)).join(""));
    case 2:
      return Buffer.from(JSON.stringify(value()) ?? "");
    default:
      return extreme(dice);
  }
}

/** Deep, long or many; rarely, because each is large. */
function extreme(dice: Dice): Buffer {
  const { pick, chance } = dice;
  if (!chance(0.02)) return Buffer.from(pick(TOKENS));
  const times = pick([31, 32, 33, 1000, 30_000, 70_000]);
  const { fields } = event(dice);
  const open = pick([
    '{"a":',
    "[",
    '{"__proto__":',
    '"',
    "\\",
    " ",
    "0",
    "-",
    "\u{10ffff}",
    '{"a":1,',
    "9e9",
    "\\u0000",
  ]);
  const inner = open.repeat(Math.min(times, Math.floor(70_000 / open.length)));
  return Buffer.from(chance(0.5) ? inner : `${JSON.stringify(fields).slice(0, -1)},"x":${inner}`);
}

function build(kind: string, subject: string, body: Uint8Array, headers: Record<string, string>): FuzzCase {
  return { kind, subject, body, headers, storedAtMs: STORED_AT_MS };
}

/** Header values come as UTF-8, so that they are Unicode whatever was sent. */
function asHeader(value: unknown): string {
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed();
}

/** As JSON would: `__proto__` becomes a key of its own. */
function define(fields: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}
