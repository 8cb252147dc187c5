import type { ActorType } from "../../actor/actor-type.ts";
import { compareTimestamps } from "../../actor/event-time.ts";
import type { Place } from "./fact-order.ts";

/**
 * How late an actor's facts may be: those that happened before `at`, normalised, are too late. A latest time, or a place
 * counted from the earliest: so every owner and every rebuild agrees, since what comes later comes behind it.
 */
export interface Horizon {
  readonly at: string;
  /**
   * Of a type with `latenessMs`: the latest that any of its facts happened, normalised; one that says it happened after it
   * was stored, when it was stored.
   */
  readonly newest?: string | undefined;
  /** Of others: how many facts make it move. */
  readonly movesAt?: number | undefined;
}

/** A fact that an actor has heard. */
export interface HeardFact {
  readonly timestamp: string;
  readonly storedAtMs: number;
  /** Facts heard so far, this one too. */
  readonly count: number;
  /** The same facts. */
  readonly past: (after?: Place) => readonly Pick<Place, "timestamp">[];
}

type Bounds = Pick<ActorType, "latenessMs" | "maxFacts">;

/** Facts of an actor that others may come before: what late ones cost is read and folded from them. */
const MAX_FACTS = 10_000;
/** It moves by a fifth of them, since it has to look at all. */
const GROWN = 1.25;

/** @returns facts of one actor that another may come before, of a type without `latenessMs`. */
export function maxFactsOf({ maxFacts = MAX_FACTS }: Bounds): number {
  return maxFacts;
}

/** @param known - undefined before the first fact, and while there are few. */
export function moveHorizon(bounds: Bounds, known: Horizon | undefined, heard: HeardFact): Horizon | undefined {
  const { latenessMs } = bounds;
  if (latenessMs === undefined) return moveByNumber(maxFactsOf(bounds), known, heard);
  const stored = new Date(heard.storedAtMs).toISOString();
  const happened = compareTimestamps(heard.timestamp, stored) < 0 ? heard.timestamp : stored;
  if (known?.newest !== undefined && compareTimestamps(happened, known.newest) <= 0) return known;
  return horizonOf(latenessMs, happened);
}

export function horizonOf(latenessMs: number, newest: string): Horizon {
  return { newest, at: new Date(Math.max(0, Date.parse(newest) - latenessMs)).toISOString() };
}

function moveByNumber(maxFacts: number, known: Horizon | undefined, { count, past }: HeardFact): Horizon | undefined {
  if (count <= (known?.movesAt ?? maxFacts * GROWN)) return known;
  const times = past(known && { timestamp: known.at, type: "", eventId: "" })
    .map(({ timestamp }) => timestamp)
    .sort(compareTimestamps);
  // There are fewer where the type's bound was raised: what is settled stays settled.
  const at = (times.at(-maxFacts) ?? known?.at) as string;
  // More than asked for, where many happened at one time.
  const open = times.filter((time) => compareTimestamps(time, at) >= 0).length;
  return { at, movesAt: count - open + Math.max(open, maxFacts) * GROWN };
}

/** What happened at the very horizon is in time. */
export function isBefore(horizon: Horizon | undefined, { timestamp }: Pick<Place, "timestamp">): boolean {
  return horizon !== undefined && compareTimestamps(timestamp, horizon.at) < 0;
}
