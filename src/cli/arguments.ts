import { type Command, InvalidArgumentError, type Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { normaliseTimestamp } from "../actor/event-time.ts";
import { ACTOR_ID, ACTOR_ID_EXPECTED } from "../wire/names.ts";
import { CliError } from "./exit-codes.ts";

/** A parser of a whole number from `least` to `most`, for commander. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const expected = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Expected a whole number ${expected}.`);
    }
    return value;
  };
}

/** Parses a share, `0` to `1` or `0%` to `100%`. */
export function share(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (!(value <= 1)) throw new InvalidArgumentError("Expected a share from 0 to 1, or a percentage such as 20%.");
  return value;
}

/** Parses the beginning of an id. */
export function idPrefix(text: string): string {
  if (!/^[A-Za-z0-9_:-]{1,64}$/.test(text)) throw new InvalidArgumentError("Expected 1 to 64 of A-Z a-z 0-9 _ - :");
  return text;
}

/** Takes a time as it is, RFC 3339 with a zone. */
export function rfc3339(text: string): string {
  if (normaliseTimestamp(text) !== null) return text;
  throw new InvalidArgumentError("Expected RFC 3339 with a zone, for example 2026-01-31T12:00:00Z.");
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `500ms`, `30s`, `10m`, `12h` or `7d`. @returns milliseconds. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Expected a duration such as 30s, 10m, 12h or 7d.");
  return Number(match[1]) * (UNITS_MS[match[2] ?? ""] ?? 1);
}

/** Parses a time, or a duration from now. @param toward - 1: it is ahead, -1: it is past. @returns RFC 3339 of the one, else what was given. */
export function timeOrDuration(toward: 1 | -1): (text: string) => string {
  return (text) => (/^\d+[a-z]+$/.test(text) ? new Date(Date.now() + toward * durationMs(text)).toISOString() : text);
}

/** For options that may be given more than once. */
export function gather<Value>(value: Value, before: readonly Value[] | undefined): Value[] {
  return [...(before ?? []), value];
}

/** An option for each type, called as the type is: `--orders <n>`, for example. @returns what was given, by type. */
export function optionPerType<Value>(
  command: Command,
  types: readonly ActorType[],
  toOption: (type: ActorType) => Option,
): (options: object) => Map<ActorType, Value> {
  const own = types.map((type) => [type, toOption(type)] as const);
  for (const [, option] of own) command.addOption(option);
  return (options) => {
    const given = new Map(Object.entries(options) as [string, Value][]);
    const values = own.map(([type, option]) => [type, given.get(option.attributeName())] as const);
    return new Map(values.filter((pair): pair is [ActorType, Value] => pair[1] !== undefined));
  };
}

/** `order or parcel`, for example. */
export function oneOf(types: readonly ActorType[]): string {
  return types.map(({ name }) => name).join(" or ");
}

/** `orders and parcels`, for example. */
export function allOf(types: readonly ActorType[]): string {
  return types.map(({ collection }) => collection).join(" and ");
}

/** The id itself. @throws CliError `usage` when it can be nobody's. */
export function checkActorId(type: ActorType, id: string): string {
  if (ACTOR_ID.test(id)) return id;
  throw new CliError("usage", `${JSON.stringify(id)} is no ${type.name} id: those are ${ACTOR_ID_EXPECTED}`);
}

/** Names of the first type for examples; the actor is one of the demo, where there is one. */
export function exampleNames([type]: readonly ActorType[]) {
  return {
    id: type?.rehearsal?.showcaseId ?? `${type?.name}-1`,
    eventType: Object.keys(type?.events ?? {})[0] ?? "",
    state: type?.states.at(-1) ?? "",
    idField: type?.idField ?? "",
    collection: type?.collection ?? "",
  };
}

/** Adds examples below a command's help, each a line as one would type it and what it does. */
export function withExamples(
  command: Command,
  examples: ReadonlyArray<readonly [line: string, effect: string]>,
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, effect]) => `  ${line.padEnd(width)}  ${effect}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
