import { isDeepStrictEqual } from "node:util";
import { type Actor, createActor } from "xstate";
import { conclude } from "../../machines/order/decision.ts";
import { type OrderContext, type OrderEvent, orderMachine } from "../../machines/order/machine.ts";
import { completeness, viewOrder, waitingFor } from "../../machines/order/view.ts";
import type { ActorSnapshot, Conclusion, DecisionContent, TrafficMessage } from "../../src/actor/actor-type.ts";
import { normaliseTimestamp } from "../../src/actor/event-time.ts";

/** What became of an order. */
export interface Outcome {
  state: string;
  context: OrderContext;
  completeness: number;
  view: ReturnType<typeof viewOrder>;
  waitingFor: string[];
  conclusion: Conclusion;
  /** Every content that was due, in order; null where a standing decision stopped following. */
  revisions: (DecisionContent | null)[];
}

/** Keeps the order in memory throughout. */
export const HOT = () => false;
/** Stores and restores the order before every event. */
export const COLD = () => true;

/**
 * Runs events through the order's machine in the order given.
 *
 * @param passivated - whether the order is persisted to JSON and restored before the event at this position.
 */
export function run(events: readonly OrderEvent[], passivated: (position: number) => boolean = HOT): Outcome {
  let actor = createActor(orderMachine).start();
  const revisions: (DecisionContent | null)[] = [];
  let standing: DecisionContent | null = null;
  events.forEach((event, position) => {
    if (passivated(position)) {
      const stored = JSON.stringify(actor.getPersistedSnapshot());
      actor = createActor(orderMachine, { snapshot: JSON.parse(stored) }).start();
    }
    actor.send(event);
    const { content } = conclude(lookAt(actor));
    if (!isDeepStrictEqual(content, standing)) revisions.push(content);
    standing = content;
  });
  const now = lookAt(actor);
  return {
    state: now.value as Outcome["state"],
    context: now.context,
    completeness: completeness(now),
    view: viewOrder(now),
    waitingFor: waitingFor(now),
    conclusion: conclude(now),
    revisions,
  };
}

/** As the order's rules see it. */
export function lookAt(actor: Actor<typeof orderMachine>): ActorSnapshot<OrderContext> {
  return actor.getSnapshot() as ActorSnapshot<OrderContext>;
}

/** {@link run} for a story told event by event. */
export function having(...events: OrderEvent[]): Outcome {
  return run(events);
}

/** The same events as a publisher would send them, for the reference model. */
export function asMessages(events: readonly OrderEvent[], orderId = "order-1"): TrafficMessage[] {
  return events.map(({ type, eventId, timestamp, data }) => ({
    subject: `orders.${orderId}.${type}`,
    body: JSON.stringify({ orderId, eventType: type, eventId, timestamp, ...data }),
  }));
}

/** The instant `seconds` after the order's first moment, as a machine gets to see it. */
export function at(seconds: number): string {
  const text = normaliseTimestamp(new Date(Date.UTC(2026, 0, 1, 10) + seconds * 1000).toISOString());
  if (text === null) throw new Error(`no such time: ${seconds} s`);
  return text;
}

type Data<Type extends OrderEvent["type"]> = Extract<OrderEvent, { type: Type }>["data"];

/** The order's creation, observed `seconds` after its first moment. */
export function created(
  seconds: number,
  data: Partial<Data<"OrderCreated">> = {},
  eventId = `c${seconds}`,
): OrderEvent {
  const fields = { customerId: "customer-456", totalAmount: 99.99, currency: "USD", ...data };
  return { type: "OrderCreated", eventId, timestamp: at(seconds), data: fields };
}

/** A word of the payment service. */
export function paid(seconds: number, status: Data<"PaymentProcessed">["status"], eventId = `p${seconds}`): OrderEvent {
  return { type: "PaymentProcessed", eventId, timestamp: at(seconds), data: { amount: 99.99, status } };
}

/** A reservation of one item, unless `data` says otherwise. */
export function reserved(
  seconds: number,
  data: Partial<Data<"InventoryReserved">> = {},
  eventId = `i${seconds}`,
): OrderEvent {
  const fields = { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west", ...data };
  return { type: "InventoryReserved", eventId, timestamp: at(seconds), data: fields };
}

/** A delivery that takes `estimatedDays`. */
export function shipped(seconds: number, estimatedDays: number, eventId = `s${seconds}`): OrderEvent {
  return { type: "ShippingCalculated", eventId, timestamp: at(seconds), data: { shippingCost: 10, estimatedDays } };
}

/** Points for the customer. */
export function rewarded(seconds: number, totalPoints = 100, eventId = `l${seconds}`): OrderEvent {
  const data = { pointsEarned: 10, totalPoints, tierStatus: "gold" };
  return { type: "LoyaltyPointsUpdated", eventId, timestamp: at(seconds), data };
}

/** Every arrangement of `items`; 120 of five, 720 of six. */
export function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, position) =>
    permutations(items.toSpliced(position, 1)).map((others) => [item, ...others]),
  );
}

/** Payment, reservation, and what follows from them: the state, and the type of its decision. */
export const OUTCOMES = [
  ["pending", {}, "processing", null],
  ["pending", { "sku-1": 2 }, "processing", null],
  ["successful", {}, "processing", null],
  ["successful", { "sku-1": 2 }, "confirmed", "OrderConfirmed"],
  ["failed", {}, "payment_failed", "OrderRejected"],
  ["failed", { "sku-1": 2 }, "payment_failed", "OrderRejected"],
] as const;

/** All five events of an order with that payment and reservation. */
export function storyOf(status: (typeof OUTCOMES)[number][0], reservedItems: Record<string, number>): OrderEvent[] {
  return [created(0), paid(1, status), reserved(2, { reservedItems }), shipped(3, 3), rewarded(4)];
}

/** Every arrival order with a second copy of one event somewhere behind the first; 360 of five. */
export function withCopies(events: readonly OrderEvent[], again: OrderEvent): OrderEvent[][] {
  return permutations(events).flatMap((once) =>
    events
      .map((_, index) => index + 1)
      .filter((at) => at > once.indexOf(again))
      .map((at) => once.toSpliced(at, 0, again)),
  );
}

/** Everything that must agree, as one comparable value. Revisions are left out: they tell how it got there. */
export function endOf({ revisions: _, ...end }: Outcome): string {
  return JSON.stringify(end, (_key, value) =>
    isFields(value) ? Object.fromEntries(Object.entries(value).sort()) : value,
  );
}

function isFields(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
