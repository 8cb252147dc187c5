import type { TrafficMessage } from "../../src/actor/actor-type.ts";

/** An event as its service publishes it, the only one of its type. */
export function event(orderId: string, eventType: string, fields: object): TrafficMessage {
  const body = JSON.stringify({
    orderId,
    eventType,
    eventId: `${eventType}-1`,
    timestamp: "2026-02-01T10:00:00Z",
    ...fields,
  });
  return { subject: `orders.${orderId}.${eventType}`, body, actorId: orderId };
}

/** What a decision follows from. */
export function decidable(orderId: string): TrafficMessage[] {
  return [
    event(orderId, "PaymentProcessed", { amount: 1, status: "successful" }),
    event(orderId, "InventoryReserved", { reservedItems: { sku: 1 }, warehouseId: "west" }),
  ];
}
