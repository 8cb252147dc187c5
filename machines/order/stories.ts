import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Random } from "../../src/actor/seeded-random.ts";
import { type Draft, publishAnyhow, publishPlainly } from "./publishers.ts";

const WAREHOUSES = ["warehouse-west", "warehouse-east", "warehouse-north", "warehouse-south"] as const;
const CURRENCIES = ["EUR", "USD", "GBP", "CHF"] as const;
const METHODS = ["card", "invoice", "transfer", "wallet"] as const;
const CARRIERS = ["Postwagen", "Albatros", "Kurier 7"] as const;
const TIERS = ["bronze", "silver", "gold"] as const;

/** The article's own order (docs/order.md), in the article's order of arrival. */
export function showcaseStory(orderId: string, firstMs: number): TrafficMessage[] {
  const drafts: Draft[] = [
    draft("PaymentProcessed", 2000, { status: "successful", amount: 99.99 }),
    draft("ShippingCalculated", 3000, { shippingCost: 10, estimatedDays: 3 }),
    draft("OrderCreated", 0, { customerId: "customer-456", totalAmount: 99.99, currency: "USD" }),
    draft("InventoryReserved", 1000, { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west" }),
  ];
  return publishPlainly(orderId, firstMs, drafts);
}

/** One event of each type, complete and uncorrected, in plain JSON: exactly one decision, whatever the order of arrival. */
export function plainStory(orderId: string, firstMs: number, random: Random): TrafficMessage[] {
  // Five days is what an order is promised while shipping is unknown, so that shipping never makes a second revision.
  return publishPlainly(orderId, firstMs, Object.values(smoothOrder(random, 5)));
}

/**
 * An order as it may really go: payments that fail and are tried again, reservations that are corrected or withdrawn,
 * shipping that changes its mind, a creation reported twice, equal timestamps, missing events; some as CloudEvents.
 *
 * @param fail - share of payments that fail first.
 * @returns its distinct events, oldest first.
 */
export function randomStory(orderId: string, firstMs: number, fail: number, random: Random): TrafficMessage[] {
  const smooth = smoothOrder(random, int(random, 1, 9));
  const { created, shipping, loyalty } = smooth;
  const parts = [
    random() < 0.06 ? [created, again(created, 700, { totalAmount: cents(random, 500) })] : [created],
    reservations(smooth.inventory, random),
    payments(smooth.payment, fail, random),
    random() < 0.15 ? [shipping, again(shipping, 40_000, { estimatedDays: int(random, 1, 14) })] : [shipping],
    random() < 0.05 ? [loyalty, again(loyalty, 0, { totalPoints: int(random, 0, 9999) })] : [loyalty],
  ];
  for (const share of [0.05, 0.01]) {
    if (random() < share) parts.splice(int(random, 0, parts.length - 1), 1);
  }
  const drafts = parts.flat().sort((a, b) => a.at - b.at);
  return publishAnyhow(orderId, firstMs, drafts, random);
}

/** What the payment service reports: most failures are tried again, some of those so fast that the clock stands still. */
function payments(successful: Draft, fail: number, random: Random): Draft[] {
  if (random() < fail) {
    const failed = { ...successful, fields: { ...successful.fields, status: "failed" } };
    if (random() < 0.25) return [failed];
    return [
      failed,
      again(successful, random() < 0.1 ? 0 : int(random, 1000, 60_000), { method: pick(random, METHODS) }),
    ];
  }
  if (random() < 0.15) {
    const pending = { ...successful, fields: { ...successful.fields, status: "pending" } };
    return random() < 0.1 ? [pending] : [pending, again(successful, 1500, {})];
  }
  return [successful];
}

/** What the warehouse reports: nothing in stock, often found later; or something that is taken back. */
function reservations(reserved: Draft, random: Random): Draft[] {
  const nothing = { reservedItems: {} };
  if (random() < 0.08) {
    const empty = again(reserved, 0, nothing);
    return random() < 0.6 ? [empty, again(reserved, 30_000, { warehouseId: pick(random, WAREHOUSES) })] : [empty];
  }
  return random() < 0.06 ? [reserved, again(reserved, 90_000, nothing)] : [reserved];
}

function smoothOrder(random: Random, estimatedDays: number) {
  const quantity = int(random, 1, 4);
  const price = cents(random, 200);
  const amount = Math.round(quantity * price * 100) / 100;
  const sku = `sku-${int(random, 1, 500)}`;
  const customerId = `customer-${int(random, 1, 9999)}`;
  const points = Math.floor(amount / 10);
  const shippingCost = cents(random, 20);
  const carrierOptions = [{ name: pick(random, CARRIERS), cost: shippingCost, estimatedDays }];
  return {
    created: draft("OrderCreated", 0, {
      customerId,
      totalAmount: amount,
      currency: pick(random, CURRENCIES),
      items: [{ sku, quantity, price }],
    }),
    inventory: draft("InventoryReserved", int(random, 200, 1500), {
      reservedItems: { [sku]: quantity },
      warehouseId: pick(random, WAREHOUSES),
    }),
    payment: draft("PaymentProcessed", int(random, 500, 4000), {
      transactionId: `tx-${int(random, 100_000, 999_999)}`,
      amount,
      status: "successful",
      method: pick(random, METHODS),
    }),
    shipping: draft("ShippingCalculated", int(random, 1000, 5000), { shippingCost, estimatedDays, carrierOptions }),
    loyalty: draft("LoyaltyPointsUpdated", int(random, 2000, 8000), {
      pointsEarned: points,
      totalPoints: points + int(random, 0, 5000),
      tierStatus: pick(random, TIERS),
    }),
  };
}

function draft(eventType: string, at: number, fields: Draft["fields"]): Draft {
  return { eventType, at, fields };
}

function again(first: Draft, laterMs: number, changes: Draft["fields"]): Draft {
  return draft(first.eventType, first.at + laterMs, { ...first.fields, ...changes });
}

/** A whole number from `from` to `to`, both included. */
function int(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

function cents(random: Random, below: number): number {
  return int(random, 100, below * 100) / 100;
}

function pick(random: Random, [first, ...others]: readonly [string, ...string[]]): string {
  return others[Math.floor(random() * (others.length + 1))] ?? first;
}
