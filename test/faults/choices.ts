import { createRandom } from "../../src/actor/seeded-random.ts";

/** Seeded choices: the same seed strikes at the same moments, as far as the machine's own timing allows. */
export interface Choices {
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

export function createChoices(seed: number): Choices {
  const next = createRandom(seed);
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    whole,
    pick(items) {
      const item = items[whole(0, items.length - 1)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
  };
}
