/*
 * Statecharts as data: what the soak generates, shrinks and prints. `build.ts` makes machines of them.
 */

/** A state; `id` is unique within the machine and what targets name. */
export interface NodeSpec {
  readonly id: string;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly states?: readonly NodeSpec[];
  /** Of a history state. */
  readonly isDeep?: boolean;
  /** Of a history state: where it leads when nothing is remembered. */
  readonly target?: string;
  readonly on?: readonly OnSpec[];
  readonly after?: readonly AfterSpec[];
  readonly always?: readonly TransitionSpec[];
  readonly onDone?: TransitionSpec;
  readonly entry?: readonly ActionSpec[];
  readonly exit?: readonly ActionSpec[];
  /** A final state's, or the root's, made of the context. */
  readonly hasOutput?: boolean;
}

export interface OnSpec {
  /** An event type, or what is for several. */
  readonly event: string;
  readonly take: readonly TransitionSpec[];
}

export interface AfterSpec {
  readonly delay: DelaySpec;
  readonly take: readonly TransitionSpec[];
}

/** Milliseconds, or the name of a delay that depends on the context or on the event's data. */
export type DelaySpec = number | "byCount" | "byData" | "never";

export interface TransitionSpec {
  readonly target?: string;
  readonly reenter?: boolean;
  readonly guard?: GuardSpec;
  readonly actions?: readonly ActionSpec[];
}

export type GuardSpec =
  | { readonly is: "below"; readonly limit: number }
  | { readonly is: "even" }
  | { readonly is: "data"; readonly least: number }
  | { readonly is: "gone" }
  | { readonly is: "in"; readonly state: string }
  | { readonly is: "not"; readonly guard: GuardSpec };

export type ActionSpec =
  | { readonly do: "count" }
  | { readonly do: "reset" }
  | { readonly do: "log"; readonly label: string }
  | { readonly do: "stamp" }
  | { readonly do: "take" }
  /** Makes a member undefined. */
  | { readonly do: "lose" }
  /** Makes one NaN. */
  | { readonly do: "spoil" }
  /** Throws while less than so much has been counted: facts may be missing. */
  | { readonly do: "need"; readonly least: number }
  | { readonly do: "custom" }
  | { readonly do: "emit" }
  | { readonly do: "raise"; readonly event: string }
  | { readonly do: "later"; readonly event: string; readonly delay: DelaySpec; readonly id?: string }
  /** A delayed raise of the event itself, with what it carries. */
  | { readonly do: "again"; readonly event: string; readonly delay: DelaySpec }
  | { readonly do: "cancel"; readonly id: string }
  | { readonly do: "enqueue"; readonly actions: readonly ActionSpec[] };

/** A fact, its time as nanoseconds after {@link BASE}. */
export interface FactSpec {
  readonly type: string;
  readonly id: string;
  readonly at: number;
  readonly amount: number;
}

/** One machine, its facts in event-time order of no importance, and when time is known to have passed. */
export interface CaseSpec {
  readonly machine: NodeSpec;
  readonly facts: readonly FactSpec[];
  /** Nanoseconds after {@link BASE}, ascending; the first ones are heard among the facts, the last ones after. */
  readonly ticks: readonly number[];
}

/** Delays between two facts: a cycle of the generated machines is found soon. */
export const MAX_DELAYS = 40;

export const FACT_TYPES = ["A", "B.b", "B.c.d"];

/** Keys that are for several of these, or for one by a prefix of its name: a machine has one of them. */
export const WILDCARDS = ["*", "B.*", "B.c.*"];

/** Raised events, at once and later. */
export const RAISED_TYPES = ["R", "S"];
export const LATER_TYPES = ["L", "M"];

/** 2026-01-01T00:00:00Z, nanoseconds since the epoch. */
const BASE = 1_767_225_600_000_000_000n;

/** @returns RFC 3339, at least milliseconds, no trailing zeros beyond. */
export function timestampOf(at: number): string {
  const nanos = BASE + BigInt(at);
  const iso = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 23);
  const finer = String(nanos % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${iso}${finer}Z`;
}
