import type { ActorSnapshot } from "../../src/actor/actor-type.ts";
import type { OrderContext } from "./machine.ts";

type Order = ActorSnapshot<OrderContext>;

const FACETS = ["customer", "payment", "inventory", "shipping", "loyalty"] as const;

const FILLED_BY: Record<(typeof FACETS)[number], string> = {
  customer: "OrderCreated",
  payment: "PaymentProcessed",
  inventory: "InventoryReserved",
  shipping: "ShippingCalculated",
  loyalty: "LoyaltyPointsUpdated",
};

/**
 * The facets under the article's names (docs/order.md), null where nothing is known.
 * Times are event times, RFC 3339 in UTC.
 */
export function viewOrder({ context: { customer, payment, inventory, shipping, loyalty } }: Order) {
  return {
    createdAt: customer?.timestamp ?? null,
    customerInfo: customer
      ? {
          customerId: customer.data.customerId,
          orderAmount: customer.data.totalAmount,
          currency: customer.data.currency,
          receivedAt: customer.timestamp,
        }
      : null,
    paymentInfo: payment
      ? {
          transactionId: payment.data.transactionId ?? null,
          status: payment.data.status,
          amount: payment.data.amount,
          method: payment.data.method ?? null,
          processedAt: payment.timestamp,
        }
      : null,
    inventoryStatus: inventory
      ? {
          reservedItems: inventory.data.reservedItems,
          warehouseId: inventory.data.warehouseId,
          reservedAt: inventory.timestamp,
        }
      : null,
    shippingInfo: shipping
      ? {
          cost: shipping.data.shippingCost,
          estimatedDays: shipping.data.estimatedDays,
          calculatedAt: shipping.timestamp,
        }
      : null,
    loyaltyInfo: loyalty
      ? {
          pointsEarned: loyalty.data.pointsEarned,
          totalPoints: loyalty.data.totalPoints,
          tierStatus: loyalty.data.tierStatus,
          updatedAt: loyalty.timestamp,
        }
      : null,
  };
}

/** Known facets of five, in percent. */
export function completeness({ context }: Order): number {
  return (FACETS.filter((facet) => context[facet] !== undefined).length / FACETS.length) * 100;
}

/** The event types whose facets are still unknown. */
export function waitingFor({ context }: Order): string[] {
  return FACETS.filter((facet) => context[facet] === undefined).map((facet) => FILLED_BY[facet]);
}
