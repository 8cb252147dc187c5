import { isDeepStrictEqual } from "node:util";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createRandom } from "../../src/actor/seeded-random.ts";
import { type CursorOrder, decodeCursor, encodeCursor } from "../../src/answers/cursor.ts";
import { isRefused, type Parameters, readDeadLetterFilter, readListFilter } from "../../src/answers/query-filters.ts";
import { decode } from "../../src/flow/decode.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { firstHeader } from "../../src/wire/headers.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { judge as expectOf } from "../wire/contract.ts";
import { createCases, type FuzzCase } from "./cases.ts";

/** What a run has found. */
export interface FuzzReport {
  readonly cases: number;
  readonly seed: number;
  /** Of decoding alone; making and judging the cases takes longer. */
  readonly decodedPerSecond: number;
  readonly slowestMs: number;
  readonly slowest: string;
  /** By what became of them: `accepted`, or the reason. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  /** Lists and cursors asked for, and how many of them were answered. */
  readonly questions: { readonly asked: number; readonly accepted: number };
  /** At most 20, each with what is needed to see it again. */
  readonly failures: readonly string[];
}

const type = orderType as ActorType;
const lane = { type, stream: "ORDERS", partition: 0 };
const limits = { maxBytes: 65_536 };
const SLOW_MS = 50;
const MAX_FAILURES = 20;

/** Decodes `cases` messages and reads a tenth as many questions; stops early after 20 failures. */
export function fuzz(cases: number, seed: number): FuzzReport {
  const source = createCases(seed);
  const count = { outcomes: {} as Record<string, number>, kinds: {} as Record<string, number> };
  const add = (counts: Record<string, number>, name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const failures: string[] = [];
  const slowest = { ms: 0, of: "" };
  let decodingMs = 0;
  let done = 0;
  for (; done < cases && failures.length < MAX_FAILURES; done++) {
    const given = source.next();
    const delivery = deliver(given);
    const startedMs = performance.now();
    const outcome = tryTo(() => decode(delivery, limits));
    let tookMs = performance.now() - startedMs;
    decodingMs += tookMs;
    // A pause of the machine is not a slow case: that is slow every time.
    if (tookMs > slowest.ms) tookMs = Math.min(tookMs, timeOf(delivery), timeOf(delivery));
    if (tookMs > slowest.ms) Object.assign(slowest, { ms: tookMs, of: describe(given) });
    if (tookMs > SLOW_MS) failures.push(`${Math.round(tookMs)} ms: ${describe(given)}`);
    const problem = outcome instanceof Error ? `threw ${outcome.stack}` : judge(given, outcome);
    if (problem !== null) failures.push(`case ${done}: ${problem}: ${describe(given)}`);
    add(count.kinds, given.kind);
    add(count.outcomes, outcome instanceof Error ? "threw" : isRejected(outcome) ? outcome.reason : "accepted");
  }
  const questions = askQuestions(Math.ceil(cases / 10), seed, source.value, failures);
  return {
    ...count,
    cases: done,
    seed,
    decodedPerSecond: Math.round((done * 1000) / decodingMs),
    slowestMs: slowest.ms,
    slowest: slowest.of,
    questions,
    failures,
  };
}

function deliver({ subject, body, headers, storedAtMs }: FuzzCase): Delivery {
  const header = (name: string) => firstHeader(Object.entries(headers), name);
  return { lane, sequence: 1, subject, body, header, headers: () => Object.entries(headers), storedAtMs, ack() {} };
}

function tryTo<Result>(action: () => Result): Result | Error {
  try {
    return action();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function timeOf(delivery: Delivery): number {
  const startedMs = performance.now();
  tryTo(() => decode(delivery, limits));
  return performance.now() - startedMs;
}

/** @returns what is wrong with the decoder's answer, null when it is as the contract says. */
function judge(given: FuzzCase, outcome: ReturnType<typeof decode>): string | null {
  const { headers, ...stored } = given;
  const header = (name: string) => firstHeader(Object.entries(headers), name);
  const expected = expectOf({ ...stored, header, headerLines: Object.keys(headers).length }, limits.maxBytes);
  if (isRejected(outcome)) {
    if (typeof expected !== "string")
      return `rejected as ${outcome.reason} (${outcome.error}), but the contract takes it`;
    if (outcome.reason !== expected) return `rejected as ${outcome.reason} (${outcome.error}), not ${expected}`;
    return /^[\x20-\x7e]{1,300}$/.test(outcome.error) ? null : `error is not one printable line: ${outcome.error}`;
  }
  if (typeof expected === "string") return `accepted as ${JSON.stringify(outcome)}, but it is ${expected}`;
  const { traceparent, ...found } = outcome;
  if (!isDeepStrictEqual(found, expected)) return `read as ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`;
  if (traceparent !== null && traceparent.length !== 55) return `traceparent ${traceparent}`;
  return /^[A-Za-z0-9_:-]{1,128}$/.test(outcome.actorId) ? null : `order id ${outcome.actorId} escapes its subject`;
}

const NAMES = [
  "state",
  "decision",
  "incomplete",
  "updatedBefore",
  "dueBefore",
  "limit",
  "cursor",
  "reason",
  "type",
  "__proto__",
  "constructor",
];
const WORTH_TRYING = [
  "pending",
  "confirmed",
  "none",
  "OrderConfirmed",
  "true",
  "false",
  "1",
  "200",
  "201",
  "0",
  "invalid_event",
];
const ORDERS: readonly CursorOrder[] = ["seen", "dead"];

function askQuestions(asked: number, seed: number, value: () => unknown, failures: string[]) {
  const random = createRandom(seed + 1);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  let accepted = 0;
  for (let index = 0; index < asked && failures.length < MAX_FAILURES; index++) {
    const names = Array.from({ length: Math.floor(random() * 4) }, () => pick(NAMES));
    const entries = names.map((name) => [
      name,
      random() < 0.5 ? pick(WORTH_TRYING) : random() < 0.3 ? cursor() : value(),
    ]);
    const parameters = Object.fromEntries(entries) as Parameters;
    const problem = tryTo(() => judgeFilters(parameters));
    if (problem === true) accepted++;
    else if (problem !== false) failures.push(`question ${JSON.stringify(parameters)}: ${problem}`);
  }
  return { asked, accepted };

  function cursor(): string {
    const place = Array.from({ length: Math.floor(random() * 3) }, () => pick([0, 1, -1, 1.5, 2 ** 60, Number.NaN]));
    const text = encodeCursor(pick(ORDERS), place);
    return random() < 0.3 ? text.slice(1) : text;
  }
}

/** @returns true when a filter was accepted, false when it was refused, else what is wrong. */
function judgeFilters(parameters: Parameters): boolean | string {
  const filters = [readListFilter(type, parameters), readDeadLetterFilter(parameters)];
  for (const filter of filters) {
    if (isRefused(filter)) {
      if (!/^[\x20-\x7e]+$/.test(filter.problem)) return `problem is not one printable line: ${filter.problem}`;
    } else if (!Number.isInteger(filter.limit) || filter.limit < 1 || filter.limit > 200)
      return `limit ${filter.limit}`;
    else if (filter.after?.some((place) => typeof place !== "string" && !Number.isSafeInteger(place)))
      return `cursor ${filter.after}`;
  }
  const { cursor } = parameters;
  for (const order of ORDERS) {
    const place = typeof cursor === "string" ? decodeCursor(order, cursor) : null;
    if (place !== null && encodeCursor(order, place) !== cursor) return `cursor ${cursor} is read as ${place}`;
  }
  return filters.some((filter) => !isRefused(filter));
}

function describe({ kind, subject, body, headers }: FuzzCase): string {
  const text = Buffer.from(body.subarray(0, 300)).toString("latin1");
  return `${kind}, ${subject.slice(0, 200)}, ${body.length} bytes ${JSON.stringify(text)}, ${JSON.stringify(headers).slice(0, 300)}`;
}
