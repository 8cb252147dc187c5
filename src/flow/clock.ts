/** Time, as rules that wait or measure see it; a test gives its own. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Does it once, in so many ms. @returns calls it off; safe to call twice. */
  after(ms: number, work: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves in so many ms. */
export function waitFor(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/**
 * Does something again and again, each time as many ms after it was over as it says itself.
 *
 * @param round - does not throw.
 * @returns ends it at once; safe to call twice.
 */
export function inRounds(clock: Clock, firstMs: number, round: () => number | Promise<number>): () => void {
  let isEnded = false;
  let cancel = clock.after(firstMs, go);
  async function go(): Promise<void> {
    const restMs = await round();
    if (!isEnded) cancel = clock.after(restMs, go);
  }
  return () => {
    isEnded = true;
    cancel();
  };
}
