import type { OrderDecision } from "../../machines/order/client.ts";

/** A revision of an order's decision, as natstate publishes it. */
export function revision(orderId: string, number: number, fields: object = CONFIRMED): OrderDecision {
  const envelope = { decidedAt: null, dataCompleteness: 40, basedOn: ["e1"], causationId: "e1", correlationId: null };
  const supersedes = number === 1 ? null : number - 1;
  return { orderId, revision: number, supersedes, ...envelope, ...fields } as OrderDecision;
}

const CONFIRMED = { decisionType: "OrderConfirmed", warehouseId: "west", estimatedDays: 2 };

/** Of one order: confirmed, withdrawn, confirmed again. */
export const REVISIONS: readonly OrderDecision[] = [
  revision("o1", 1),
  revision("o1", 2, { decisionType: "OrderDecisionWithdrawn" }),
  revision("o1", 3),
];

export function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}
