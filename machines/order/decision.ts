import type { ActorSnapshot, Conclusion, DecisionContent } from "../../src/actor/actor-type.ts";
import { compareTimestamps } from "../../src/actor/event-time.ts";
import { isConfirmed, isPaymentFailed, type OrderContext } from "./machine.ts";

/** Days promised while shipping is unknown. */
const DEFAULT_ESTIMATED_DAYS = 5;

/**
 * What follows from the facets known so far. Nothing follows before payment and inventory are both known (docs/order.md).
 */
export function conclude({ context }: ActorSnapshot<OrderContext>): Conclusion {
  const { payment, inventory, shipping } = context;
  if (payment === undefined || inventory === undefined) return { content: null, basedOn: [], decidedAt: null };
  const content = contentOf(context);
  const restsOnShipping = content?.decisionType === "OrderConfirmed" && shipping !== undefined;
  const facets = restsOnShipping ? [payment, inventory, shipping] : [payment, inventory];
  return {
    content,
    basedOn: facets.map((facet) => facet.eventId),
    decidedAt: facets.map((facet) => facet.timestamp).reduce((a, b) => (compareTimestamps(a, b) >= 0 ? a : b)),
  };
}

function contentOf(context: OrderContext): DecisionContent | null {
  if (isPaymentFailed(context)) return { decisionType: "OrderRejected", reason: "Payment failed" };
  if (!isConfirmed(context) || context.inventory === undefined) return null;
  return {
    decisionType: "OrderConfirmed",
    warehouseId: context.inventory.data.warehouseId,
    estimatedDays: context.shipping?.data.estimatedDays ?? DEFAULT_ESTIMATED_DAYS,
  };
}
