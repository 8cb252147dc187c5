import { z } from "zod";

/*
 * The order's events, field by field (docs/order.md). Limits are ours, so that one order cannot grow a row without end.
 * Unknown extra fields are dropped by zod's objects, never merged.
 */
const name = z.string().min(1).max(256);
const text = z.string().max(256);
const amount = z.number().nonnegative().overwrite(unsignZero);
const count = z.int().nonnegative().overwrite(unsignZero);

/** The fields of every event type of an order, by type. */
export const orderEvents = {
  /** The customer placed the order. Amounts in units of `currency`. */
  OrderCreated: z.object({
    customerId: name,
    totalAmount: amount,
    currency: z.string().regex(/^[A-Z]{3}$/, "expected an ISO 4217 code such as EUR"),
    items: z
      .array(z.object({ sku: name, quantity: z.int().min(1), price: amount.optional() }))
      .max(1000)
      .optional(),
  }),
  /** What the payment service saw last. */
  PaymentProcessed: z.object({
    transactionId: text.optional(),
    amount,
    status: z.enum(["pending", "successful", "failed"]),
    method: text.optional(),
  }),
  /** Quantities by SKU; none above 0 means that nothing could be reserved. */
  InventoryReserved: z.object({
    reservedItems: z
      .record(name, count)
      .refine((items) => Object.keys(items).length <= 1000, "expected at most 1000 items")
      .meta({ maxProperties: 1000 }),
    warehouseId: text,
  }),
  /** Cost in the order's currency, `estimatedDays` in days. */
  ShippingCalculated: z.object({
    shippingCost: amount,
    estimatedDays: count,
    carrierOptions: z
      .array(z.object({ name, cost: amount.optional(), estimatedDays: count.optional() }))
      .max(100)
      .optional(),
  }),
  /** Points may be taken back, so `pointsEarned` may be negative. */
  LoyaltyPointsUpdated: z.object({
    pointsEarned: z.int(),
    totalPoints: z.int(),
    tierStatus: text,
  }),
};

/** JSON can say -0 but never writes it: without this a decision would differ from its own stored copy. */
function unsignZero(value: number): number {
  return value + 0;
}
