import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { createRandom } from "../../src/actor/seeded-random.ts";

/** A message as a service of the shop publishes it. */
export interface ShopMessage {
  readonly subject: string;
  readonly body: string;
}

/** Orders as they go now: event times lie a little before the present, each service late in its own way. */
export interface Shop {
  /** The events of one more order, in the order of their arrival. */
  order(nowMs: number): ShopMessage[];
}

type Fields = Readonly<Record<string, unknown>>;

/** How late each service is, ms: half of its events within the first, nearly all within the second. */
const LATENESS_MS = {
  OrderCreated: [120, 2000],
  PaymentProcessed: [900, 15_000],
  InventoryReserved: [2500, 40_000],
  ShippingCalculated: [6000, 120_000],
  LoyaltyPointsUpdated: [30_000, 900_000],
} as const;

const WAREHOUSES = ["warehouse-west", "warehouse-east", "warehouse-north"];
const METHODS = ["card", "invoice", "transfer", "wallet"];

/** @param seed - the same seed gives the same orders. */
export function openShop(seed: number, idPrefix = "order-"): Shop {
  const random = createRandom(seed);
  const pick = (names: readonly string[]) => names[Math.floor(random() * names.length)];
  let number = 10_000;

  function latenessMs(type: keyof typeof LATENESS_MS): number {
    const [half, most] = LATENESS_MS[type];
    return half * (most / half) ** (random() ** 3 * 1.2) * (0.3 + random());
  }

  return {
    order(nowMs) {
      const orderId = `${idPrefix}${++number}`;
      const events: { subject: string; body: string; place: number }[] = [];
      const say = (eventType: keyof typeof LATENESS_MS, fields: Fields, laterMs = 0) => {
        const timestamp = new Date(nowMs - latenessMs(eventType) + laterMs).toISOString();
        const eventId = `${orderId}-${events.length}`;
        const body = JSON.stringify({ orderId, eventType, eventId, timestamp, ...fields });
        const copies = random() < 0.07 ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          events.push({ subject: `orders.${orderId}.${eventType}`, body, place: random() });
        }
      };
      const amount = Math.round(random() * 20_000) / 100;
      const items = [{ sku: `sku-${Math.floor(random() * 500)}`, quantity: 1 + Math.floor(random() * 3) }];
      if (random() < 0.97)
        say("OrderCreated", { customerId: `customer-${number % 977}`, totalAmount: amount, currency: "EUR", items });
      const method = pick(METHODS);
      if (random() < 0.16) {
        say("PaymentProcessed", { amount, status: "failed", method }, -60_000);
        if (random() < 0.7) say("PaymentProcessed", { amount, status: "successful", method: pick(METHODS) });
      } else if (random() < 0.97) say("PaymentProcessed", { amount, status: "successful", method });
      const warehouseId = pick(WAREHOUSES);
      const reservedItems =
        random() < 0.06 ? {} : Object.fromEntries(items.map(({ sku, quantity }) => [sku, quantity]));
      if (random() < 0.95) say("InventoryReserved", { reservedItems, warehouseId });
      if (random() < 0.9) say("ShippingCalculated", { shippingCost: 4.9, estimatedDays: 1 + Math.floor(random() * 6) });
      if (random() < 0.85) say("LoyaltyPointsUpdated", { pointsEarned: 10, totalPoints: 10, tierStatus: "silver" });
      if (random() < 0.004)
        events.push({ subject: `orders.${orderId}.PaymentProcessed`, body: `{"orderId":"${orderId}",`, place: 1 });
      return events.sort((a, b) => a.place - b.place).map(({ subject, body }) => ({ subject, body }));
    },
  };
}

/** Publishes at a steady rate until it is disposed of; a few hundred orders are under way at any time. */
export interface Traffic extends AsyncDisposable {
  /** Messages stored so far. */
  published(): number;
}

/**
 * @param nc - of the publisher.
 * @param eventsPerSecond - about.
 * @param spread - how many orders are under way at once.
 */
export function startTraffic(nc: NatsConnection, shop: Shop, eventsPerSecond: number, spread = 200): Traffic {
  const js = jetstream(nc);
  const waiting: ShopMessage[][] = [];
  const startedMs = performance.now();
  let sent = 0;
  let stored = 0;
  const open = new Set<Promise<unknown>>();

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) * eventsPerSecond) / 1000);
    while (sent < due) {
      while (waiting.length < spread) waiting.push(shop.order(Date.now()));
      const at = (sent * 7919) % waiting.length;
      const message = waiting[at]?.shift();
      if (waiting[at]?.length === 0) waiting.splice(at, 1);
      if (message === undefined) continue;
      sent++;
      const publishing = js.publish(message.subject, message.body).then(() => stored++);
      open.add(publishing);
      void publishing.catch(() => {}).finally(() => open.delete(publishing));
    }
  }, 20);

  return {
    published: () => stored,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.allSettled(open);
    },
  };
}
