/** Seeded numbers, uniform in [0, 1). */
export type Random = () => number;

/**
 * For seeded traffic: the same seed gives the same numbers.
 *
 * Source: mulberry32 by Tommy Ettinger, public domain.
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
