import type { Delivery } from "../../src/flow/delivery.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver, orderLane } from "./delivery.ts";

const FIELDS = {
  OrderCreated: { customerId: "customer-456", totalAmount: 99.99, currency: "USD" },
  PaymentProcessed: { amount: 99.99, status: "successful" },
  InventoryReserved: { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west" },
  ShippingCalculated: { shippingCost: 10, estimatedDays: 3 },
  LoyaltyPointsUpdated: { pointsEarned: 10, totalPoints: 100, tierStatus: "gold" },
};

/** The second of the day, the fields that differ from a good event's, and the lane unless it is the orders' own. */
interface Told {
  readonly second: number;
  readonly lane?: Lane;
  readonly [field: string]: unknown;
}

/** An order event of a second alone, or of what is told with it; its id is its type and second unless given. */
export function orderEvent(
  sequence: number,
  id: string,
  eventType: keyof typeof FIELDS,
  told: number | Told,
): Delivery {
  const { second, lane = orderLane, ...fields }: Told = typeof told === "number" ? { second: told } : told;
  const timestamp = new Date(Date.parse("2026-02-01T00:00:00Z") + second * 1000).toISOString();
  const eventId = `${eventType}-${second}`;
  const body = { orderId: id, eventType, eventId, timestamp, ...FIELDS[eventType], ...fields };
  return deliver(sequence, `orders.${id}.${eventType}`, body, { lane });
}
