import { isDeepStrictEqual } from "node:util";

/** A stream or a consumer, held against what it should be. */
export interface Comparison {
  /** A line each. */
  readonly differences: readonly string[];
  /** What to do about them; null when there are none. */
  readonly remedy: string | null;
}

export const UNCHANGED = "natstate does not change existing streams: edit it with the nats CLI";

/** A setting of ours that the server reports otherwise. */
export interface Difference {
  readonly name: string;
  readonly value: unknown;
  readonly is: unknown;
}

export function missing(what: string): string {
  return `${what} does not exist. natstate start creates it, unless NATSTATE_MANAGE_STREAMS is false: then create it yourself.`;
}

export function different(what: string, differences: readonly string[], remedy: string | null): string {
  return `${what} is not as configured: ${differences.join("; ")}.${remedy === null ? "" : ` ${remedy}`}`;
}

/** For a person, by the names the server has for it. */
export function asFound({ name, value, is }: Difference): string {
  return `${name} is ${JSON.stringify(is)}, expected ${JSON.stringify(value)}`;
}

/** Settings of ours that the server reports otherwise. */
export function differingSettings(wanted: object, found: object): Difference[] {
  return Object.entries(wanted)
    .map(([name, value]) => ({ name, value, is: (found as Record<string, unknown>)[name] }))
    .filter(({ name, value, is }) => !isDeepStrictEqual(comparable(name, value), comparable(name, is)));
}

/** Subjects mean the same in any order; the server does not tell what is off or not limited. */
function comparable(name: string, value: unknown): unknown {
  if (name === "subjects" && Array.isArray(value)) return value.toSorted();
  return value === false || value === 0 ? undefined : value;
}
