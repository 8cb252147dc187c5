import { createRandom } from "../../src/actor/seeded-random.ts";

/** Seeded choices: the same seed gives the same. */
export interface Random {
  /** 0 to 1, 1 excluded. */
  next(): number;
  /** 0 to `below` - 1. */
  int(below: number): number;
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** Up to `most` of what `make` gives. */
  some<Item>(most: number, make: () => Item): Item[];
  shuffle<Item>(items: readonly Item[]): Item[];
}

export function seededChoices(seed: number): Random {
  const next = createRandom(seed);
  const int = (below: number) => Math.floor(next() * below);
  return {
    ...{ next, int },
    chance: (share) => next() < share,
    pick: <Item>(items: readonly Item[]) => items[int(items.length)] as Item,
    some: (most, make) => Array.from({ length: int(most + 1) }, make),
    shuffle<Item>(items: readonly Item[]) {
      const shuffled = [...items];
      for (let index = shuffled.length - 1; index > 0; index--) {
        const other = int(index + 1);
        [shuffled[index], shuffled[other]] = [shuffled[other] as Item, shuffled[index] as Item];
      }
      return shuffled;
    },
  };
}
