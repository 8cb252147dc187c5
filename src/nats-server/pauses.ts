/** How long until what has ended is started again, in ms. */
export interface PauseBounds {
  /** After the first end, and after one that came long after its start. */
  readonly firstMs: number;
  /** Each end in a row doubles it, up to this. */
  readonly longestMs: number;
  /** Who ran for this long ran well: its end is the first one again. */
  readonly steadyMs: number;
}

/**
 * Tells each pause between the ends and the starts of one process.
 *
 * @returns the pause after a run of so many ms.
 */
export function createPauses({ firstMs, longestMs, steadyMs }: PauseBounds): (ranMs: number) => number {
  let nextMs = firstMs;
  return (ranMs) => {
    const pauseMs = ranMs >= steadyMs ? firstMs : nextMs;
    nextMs = Math.min(2 * pauseMs, longestMs);
    return pauseMs;
  };
}
