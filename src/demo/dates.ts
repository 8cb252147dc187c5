/** When seeded traffic happened. */
export interface Dates {
  /** Event time of the first actor's first event, ms since the epoch. */
  readonly startMs: number;
  /** So much later each next actor begins. */
  readonly everyMs: number;
}

/** An actor's own events take no longer. */
const STORY_MS = 120_000;
const MOST_MS = 600_000;

/** Dates that begin at a moment, by default so that all has just happened: what is heard late is minutes late, not months. */
export function datesFrom(startMs: number | undefined, actors: number): Dates {
  const everyMs = Math.max(1, Math.min(1000, Math.floor(MOST_MS / Math.max(1, actors))));
  const justNowMs = Date.now() - STORY_MS - actors * everyMs;
  // From a whole minute on, so that a story reads well.
  return { startMs: startMs ?? justNowMs - (justNowMs % 60_000), everyMs };
}
