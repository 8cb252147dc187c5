import fc from "fast-check";
import { expect, it } from "vitest";
import type { DeadLetterPage } from "../../src/answers/dead-letters.ts";
import { joinDeadLetters, joinLists, joinStats } from "../../src/answers/joined-answers.ts";
import type { ActorPage, ActorSummary } from "../../src/answers/queries.ts";
import { isRefused, readDeadLetterFilter, readListFilter } from "../../src/answers/query-filters.ts";
import { fill, type OrderBook, openOrderBook, order, PARTITIONS } from "./order-book.ts";
import { walk, walkDeadLetters } from "./paging.ts";

/*
 * Several daemons' stores, each filled in another order; whoever owns a partition at the moment answers for it.
 */

const ORDERS = 90;
const FILTERS = [
  {},
  { state: "confirmed" },
  { decision: "none" },
  { incomplete: true },
  { idPrefix: "order-10" },
  { updatedBefore: "2030-01-01T00:00:00Z" },
  { waitingFor: "PaymentProcessed" },
];

/** Rows get their numbers in another order, as where partitions were taken over one after the other. All are above 0. */
function renumber({ db }: OrderBook): void {
  const anew = (key: string) => `${key} = 1000000 - ${key}`;
  db.exec(`UPDATE actors SET ${anew("key")}; UPDATE events SET ${anew("actor_key")}`);
}

it("however partitions are split, and move between two pages, the list is that of one store, each order once", () => {
  using first = openOrderBook({ maxScannedRows: 11 });
  using second = openOrderBook({ maxScannedRows: 7 });
  for (const book of [first, second]) fill(book, ORDERS);
  // Many are heard of at one instant.
  for (const { db } of [first, second]) db.exec("UPDATE actors SET first_seen_ms = first_seen_ms / 40 * 40");
  renumber(second);
  const stores = [first, second, first];
  const owners = fc.array(fc.nat(stores.length - 1), { minLength: PARTITIONS, maxLength: PARTITIONS });
  const pages = fc.array(fc.record({ owners, limit: fc.integer({ min: 1, max: 23 }) }), { minLength: 1, maxLength: 9 });
  const expected = FILTERS.map((filter) => walk(first.queries, { ...filter, limit: 200 }));
  fc.assert(
    fc.property(fc.nat(FILTERS.length - 1), pages, (which, asked) => {
      const found: ActorSummary[] = [];
      let cursor: string | null | undefined;
      for (let number = 0; cursor !== null; number++) {
        const { owners: split, limit } = asked[number % asked.length] ?? { owners: [], limit: 1 };
        const filter = readListFilter(order, { ...FILTERS[which], limit, cursor });
        if (isRefused(filter)) throw new Error(filter.problem);
        const parts = stores.map(({ queries }, index) => queries.list(order, filter, ownedBy(split, index)));
        const page: ActorPage = joinLists(order, filter, parts);
        const actors = page.orders as readonly ActorSummary[];
        expect(actors.length).toBeLessThanOrEqual(limit);
        found.push(...actors);
        cursor = page.nextCursor;
      }
      expect(found).toEqual(expected[which]);
    }),
    { numRuns: 60 },
  );
});

it("dead letters of several stores are listed as those of one", () => {
  using book = openOrderBook({ maxScannedRows: 3 });
  fill(book, 20);
  const all = walkDeadLetters(book.queries, { limit: 200 });
  const found: DeadLetterPage["deadLetters"][number][] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const filter = readDeadLetterFilter({ limit: 4, cursor });
    if (isRefused(filter)) throw new Error(filter.problem);
    const parts = [[0, 3], [1], [2]].map((own) => book.queries.deadLetters(order, filter, own));
    const page = joinDeadLetters(parts, 4);
    found.push(...page.deadLetters);
    cursor = page.nextCursor;
  }
  expect(found).toEqual(all);
  expect(all.length).toBeGreaterThan(10);
  const [letter] = all;
  const shares = [0, 1, 2, 3].filter((own) => book.queries.deadLetter(order, letter?.sequence ?? 0, [own]));
  expect(shares).toHaveLength(1);
});

it("counts of all partitions, each from one store, are those of one store", () => {
  using book = openOrderBook();
  fill(book, ORDERS);
  const parts = [[0, 2], [1], [3]].map((own) => book.queries.stats(order, own));
  expect(joinStats(parts)).toEqual(book.queries.stats(order));
});

function ownedBy(owners: readonly number[], store: number): number[] {
  return owners.flatMap((owner, partition) => (owner === store ? [partition] : []));
}
