import { compareTimestamps } from "../../actor/event-time.ts";
import type { Place } from "./fact-order.ts";

/** How late an actor's facts may be: those that happened before the horizon are too late. */
export interface Horizon {
  /**
   * The latest that any of its facts happened, normalised; one that says it happened after it was stored, when it was
   * stored. A maximum over all it has heard, so that every owner and every rebuild agrees.
   */
  readonly newest: string;
  /** So long before `newest`, normalised. */
  readonly at: string;
}

/** @param lateness - of the type, ms. @param known - undefined before the first fact. */
export function moveHorizon(
  lateness: number,
  known: Horizon | undefined,
  fact: Pick<Place, "timestamp">,
  storedAtMs: number,
): Horizon {
  const stored = new Date(storedAtMs).toISOString();
  const happened = compareTimestamps(fact.timestamp, stored) < 0 ? fact.timestamp : stored;
  if (known !== undefined && compareTimestamps(happened, known.newest) <= 0) return known;
  return horizonOf(lateness, happened);
}

export function horizonOf(lateness: number, newest: string): Horizon {
  return { newest, at: new Date(Math.max(0, Date.parse(newest) - lateness)).toISOString() };
}

/** What happened at the very horizon is in time. */
export function isBefore(horizon: Horizon | undefined, { timestamp }: Pick<Place, "timestamp">): boolean {
  return horizon !== undefined && compareTimestamps(timestamp, horizon.at) < 0;
}
