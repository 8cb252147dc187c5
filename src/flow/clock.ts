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
