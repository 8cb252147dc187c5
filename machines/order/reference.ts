import type { DecisionContent, ExpectedActor, TrafficMessage } from "../../src/actor/actor-type.ts";

/** The article's own order, whose events come out of order (docs/order.md). */
export const SHOWCASE_ID = "order-123";

/** One accepted observation, as far as the rules look at it. */
export interface Seen {
  readonly id: string;
  readonly type: string;
  /** Nanoseconds since 1970. */
  readonly instant: bigint;
  /** `instant` as text in UTC. */
  readonly at: string;
  /** The whole body: envelope and fields. */
  readonly body: Fields;
}

/** What an order's distinct events amount to. */
export type Verdict = Pick<ExpectedActor, "state" | "completeness" | "view" | "decision"> & {
  /** By event type, the one that counts. */
  readonly winners: Readonly<Record<string, Seen>>;
  /** What the decision, or that there is none, rests on; empty before payment and inventory are both known. */
  readonly grounds: readonly Seen[];
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * What must become of every order in `messages`, in whatever order they are delivered: a second, independent statement
 * of the order's rules. It collects an order's distinct events, picks the winners and derives everything from those,
 * and it shares no code with the machine, so a mistake would have to be made twice to go unseen.
 *
 * @param messages - delivered messages; those with `rejectedAs` are no observations and are skipped.
 * @returns one entry per order, by order id. An event with no id of its own is told apart by its canonical JSON.
 */
export function expectOrders(messages: readonly TrafficMessage[]): Map<string, ExpectedActor> {
  const orders = new Map<string, { seen: Map<string, Seen>; deliveries: number }>();
  for (const message of messages) {
    if (message.rejectedAs !== undefined) continue;
    const orderId = message.subject.split(".")[1] ?? "";
    const order = orders.get(orderId) ?? { seen: new Map(), deliveries: 0 };
    const event = observe(message);
    // Ids of different event types do not meet.
    const name = `${event.type} ${event.id}`;
    if (!order.seen.has(name)) order.seen.set(name, event);
    order.deliveries++;
    orders.set(orderId, order);
  }
  const expected = new Map<string, ExpectedActor>();
  for (const [orderId, { seen, deliveries }] of orders) {
    const { winners: _, grounds: __, ...verdict } = judgeOrder([...seen.values()]);
    expected.set(orderId, { ...verdict, events: seen.size, duplicates: deliveries - seen.size });
  }
  return expected;
}

/**
 * The order's rules (docs/order.md), of all its events at once.
 *
 * @param events - of one order, none twice, in any order.
 */
export function judgeOrder(events: readonly Seen[]): Verdict {
  const winners = pickWinners(events);
  const { OrderCreated: created, PaymentProcessed: payment, InventoryReserved: inventory } = winners;
  const { ShippingCalculated: shipping, LoyaltyPointsUpdated: loyalty } = winners;

  const failed = payment?.body.status === "failed";
  const reserved = Object.values(inventory?.body.reservedItems ?? {}).some((quantity) => Number(quantity) > 0);
  const confirmed = payment?.body.status === "successful" && reserved;
  let decision: DecisionContent | null = null;
  if (failed && inventory) decision = { decisionType: "OrderRejected", reason: "Payment failed" };
  if (confirmed) {
    const warehouseId = String(inventory?.body.warehouseId);
    decision = {
      decisionType: "OrderConfirmed",
      warehouseId,
      estimatedDays: Number(shipping?.body.estimatedDays ?? 5),
    };
  }
  return {
    state: failed ? "payment_failed" : confirmed ? "confirmed" : created ? "processing" : "pending",
    completeness: 20 * Object.keys(winners).length,
    view: {
      createdAt: created?.at ?? null,
      customerInfo: pick(created, "receivedAt", ["customerId", "totalAmount:orderAmount", "currency"]),
      paymentInfo: pick(payment, "processedAt", ["transactionId", "status", "amount", "method"]),
      inventoryStatus: pick(inventory, "reservedAt", ["reservedItems", "warehouseId"]),
      shippingInfo: pick(shipping, "calculatedAt", ["shippingCost:cost", "estimatedDays"]),
      loyaltyInfo: pick(loyalty, "updatedAt", ["pointsEarned", "totalPoints", "tierStatus"]),
    },
    decision,
    winners,
    grounds: payment && inventory ? [payment, inventory, ...(confirmed && shipping ? [shipping] : [])] : [],
  };
}

/** The newest of each type; of creations those of the earliest time. Equal times go to the greater id. */
function pickWinners(events: readonly Seen[]): Record<string, Seen> {
  const sorted = [...events].sort((a, b) => (a.instant === b.instant ? less(a.id, b.id) : less(a.instant, b.instant)));
  const firstInstant = sorted.find((event) => event.type === "OrderCreated")?.instant;
  const eligible = sorted.filter((event) => event.type !== "OrderCreated" || event.instant === firstInstant);
  // A later entry takes the place of an earlier one.
  return Object.fromEntries(eligible.map((event) => [event.type, event]));
}

/** The winner's fields under the article's names (`name` or `name:shownAs`), null where the event left one out. */
function pick(winner: Seen | undefined, timeName: string, names: readonly string[]): Fields | null {
  if (winner === undefined) return null;
  const shown: Record<string, unknown> = {};
  for (const entry of names) {
    const [name = "", shownAs = name] = entry.split(":");
    shown[shownAs] = winner.body[name] ?? null;
  }
  return { ...shown, [timeName]: winner.at };
}

/** Reads a message as the wire contract has it: plain JSON, or CloudEvents 1.0 in binary or structured mode. */
function observe({ subject, body, headers = {} }: TrafficMessage): Seen {
  const header = (name: string) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  const json = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body)) as Fields;
  const structured = header("content-type")?.startsWith("application/cloudevents+json") ?? false;
  const event = structured ? (json.data as Fields) : json;
  const [source, cloudId] = structured ? [json.source, json.id] : [header("ce-source"), header("ce-id")];
  const time = event.timestamp ?? (structured ? json.time : header("ce-time"));
  return {
    id: String(event.eventId ?? header("nats-msg-id") ?? cloudIdentity(source, cloudId) ?? canonical(event)),
    type: subject.split(".").at(-1) ?? "",
    ...readTime(String(time)),
    body: event,
  };
}

/** A CloudEvent is known by its source and its id together, as `<source>#<id>`. */
function cloudIdentity(source: unknown, id: unknown): unknown {
  if (source === undefined || id === undefined) return id;
  return `${source}#${String(id).replace(/[%#]/g, (sign) => encodeURIComponent(sign))}`;
}

/** RFC 3339 with at most nanoseconds, in UTC with at least milliseconds and no trailing zeros beyond those. */
function readTime(text: string): { instant: bigint; at: string } {
  const [, seconds = "", fraction = "", zone = ""] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(text.toUpperCase()) ?? [];
  const nanoseconds = fraction.slice(0, 9).padEnd(9, "0");
  const epochMs = Date.parse(seconds + zone);
  return {
    instant: BigInt(epochMs) * 1_000_000n + BigInt(nanoseconds),
    at: `${new Date(epochMs).toISOString().slice(0, 19)}.${nanoseconds.replace(/0{1,6}$/, "")}Z`,
  };
}

function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => less(a, b));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

function less<Key extends string | bigint>(a: Key, b: Key): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
