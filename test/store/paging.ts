import type { Answers } from "../../src/answers/answers.ts";
import type { DeadLetterSummary } from "../../src/answers/dead-letters.ts";
import type { ActorSummary, ListFilter } from "../../src/answers/queries.ts";
import { isRefused, readDeadLetterFilter, readListFilter } from "../../src/answers/query-filters.ts";
import { order } from "./order-book.ts";

interface OrderPage {
  readonly orders: readonly ActorSummary[];
  readonly nextCursor: string | null;
}

export interface Filters {
  readonly state?: string;
  readonly decision?: string;
  readonly incomplete?: boolean;
  readonly completeness?: number;
  readonly waitingFor?: string;
  readonly idPrefix?: string;
  readonly updatedBefore?: string;
}

export function page(queries: Answers, parameters: object, partitions?: number[]): OrderPage {
  const filter = readListFilter(order, { ...parameters });
  if (isRefused(filter)) throw new Error(filter.problem);
  return queries.list(order, filter satisfies ListFilter, partitions) as unknown as OrderPage;
}

/** Every page from here to the end. */
export function walk(queries: Answers, parameters: object, partitions?: number[]): ActorSummary[] {
  const found: ActorSummary[] = [];
  let cursor: string | null | undefined;
  do {
    const { orders, nextCursor } = page(
      queries,
      cursor === undefined ? parameters : { ...parameters, cursor },
      partitions,
    );
    found.push(...orders);
    cursor = nextCursor;
  } while (cursor !== null);
  return found;
}

export function walkDeadLetters(queries: Answers, parameters: object): DeadLetterSummary[] {
  const found: DeadLetterSummary[] = [];
  let cursor: string | null = null;
  do {
    const filter = readDeadLetterFilter({ ...parameters, cursor });
    if (isRefused(filter)) throw new Error(filter.problem);
    const { deadLetters, nextCursor } = queries.deadLetters(order, filter);
    found.push(...deadLetters);
    cursor = nextCursor;
  } while (cursor !== null);
  return found;
}

/** Every combination of a few values of each filter. */
export function filters(all: readonly ActorSummary[]): Filters[] {
  const updatedBefore = all[Math.floor(all.length / 2)]?.lastUpdated;
  const combined: Filters[] = [];
  for (const state of [undefined, "confirmed", "processing"]) {
    for (const decision of [undefined, "OrderRejected", "none"]) {
      for (const incomplete of [undefined, true, false]) {
        for (const before of [undefined, updatedBefore]) {
          combined.push({ state, decision, incomplete, updatedBefore: before });
        }
      }
    }
  }
  for (const state of [undefined, "processing"]) {
    for (const updatedBefore of [undefined, all[50]?.lastUpdated]) {
      for (const completeness of [80, 100]) combined.push({ state, updatedBefore, completeness });
      for (const waitingFor of ["PaymentProcessed", "OrderCreated"])
        combined.push({ state, updatedBefore, waitingFor });
      for (const idPrefix of ["order-10", "order-1001", "none"]) combined.push({ state, updatedBefore, idPrefix });
    }
  }
  return combined;
}
