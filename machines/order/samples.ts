import type { ActorSnapshot, SampleEvent } from "../../src/actor/actor-type.ts";
import type { OrderContext } from "./machine.ts";

/** Events an order may well hear next, in keeping with what it knows: the amount it has, the warehouse it reserved in. */
export function orderSamples({ context }: ActorSnapshot<OrderContext>): SampleEvent[] {
  const { customer, payment, inventory } = context;
  const amount = customer?.data.totalAmount ?? payment?.data.amount ?? 100;
  const warehouseId = inventory?.data.warehouseId ?? "warehouse-1";
  const wanted = customer?.data.items?.map(({ sku, quantity }) => [sku, quantity]);
  const reservedItems = Object.fromEntries(wanted ?? [["sku-1", 1]]);
  return [
    sample("OrderCreated", "", { customerId: "customer-1", totalAmount: amount, currency: "EUR" }),
    sample("PaymentProcessed", "successful", { amount, status: "successful" }),
    sample("PaymentProcessed", "failed", { amount, status: "failed" }),
    sample("PaymentProcessed", "pending", { amount, status: "pending" }),
    sample("InventoryReserved", "something reserved", { reservedItems, warehouseId }),
    sample("InventoryReserved", "nothing reserved", { reservedItems: {}, warehouseId }),
    sample("ShippingCalculated", "in 2 days", { shippingCost: 5, estimatedDays: 2 }),
    sample("LoyaltyPointsUpdated", "", { pointsEarned: 10, totalPoints: 10, tierStatus: "bronze" }),
  ];
}

function sample(type: string, label: string, data: SampleEvent["data"]): SampleEvent {
  return { type, label, data };
}
