import type { Accepted, Json } from "./checker-contract.ts";

/** What must be known of an order once its events have been heard, in stream order. */
export interface ModelOrder {
  readonly events: Map<string, ModelEvent>;
  /** As published, revision 1 first. */
  readonly decisions: Json[];
  readonly facets: Map<string, Accepted>;
}

/** One distinct event. */
export interface ModelEvent {
  readonly event: Accepted;
  /** Stream sequence of its first delivery. */
  readonly sequence: number;
  readonly outcome: "applied" | "superseded";
  /** Deliveries after the first. */
  duplicates: number;
}

type Content = { readonly decisionType: string; readonly [field: string]: unknown };

export function newOrder(): ModelOrder {
  return { events: new Map(), decisions: [], facets: new Map() };
}

/** Lets one accepted message of the stream have its one effect. */
export function hear(order: ModelOrder, event: Accepted, sequence: number): void {
  const known = order.events.get(nameOf(event.type, event.eventId));
  if (known !== undefined) {
    known.duplicates++;
    return;
  }
  const winner = order.facets.get(event.type);
  const wins = winner === undefined || replaces(event, winner);
  order.events.set(nameOf(event.type, event.eventId), {
    event,
    sequence,
    outcome: wins ? "applied" : "superseded",
    duplicates: 0,
  });
  if (!wins) return;
  order.facets.set(event.type, event);
  decide(order, event);
}

/** Ids of different event types do not meet. */
export function nameOf(type: unknown, eventId: unknown): string {
  return `${type} ${eventId}`;
}

/** The newest wins, of orders created the earliest; the greater id when the times are the same. */
function replaces(event: Accepted, winner: Accepted): boolean {
  if (event.instant === winner.instant) return event.eventId > winner.eventId;
  return event.instant > winner.instant !== (event.type === "OrderCreated");
}

function decide(order: ModelOrder, cause: Accepted): void {
  const payment = order.facets.get("PaymentProcessed");
  const inventory = order.facets.get("InventoryReserved");
  if (payment === undefined || inventory === undefined) return;
  const content = follows(order);
  const standing = standingContent(order);
  if (JSON.stringify(content) === JSON.stringify(standing)) return;
  const shipping = content?.decisionType === "OrderConfirmed" ? order.facets.get("ShippingCalculated") : undefined;
  const grounds = [payment, inventory, ...(shipping === undefined ? [] : [shipping])];
  const revision = order.decisions.length + 1;
  order.decisions.push({
    ...(content ?? { decisionType: "OrderDecisionWithdrawn" }),
    orderId: cause.orderId,
    revision,
    supersedes: revision === 1 ? null : revision - 1,
    decidedAt: grounds.reduce((a, b) => (b.instant > a.instant ? b : a)).at,
    dataCompleteness: completenessOf(order),
    basedOn: grounds.map(({ eventId }) => eventId),
    causationId: cause.eventId,
    correlationId: cause.correlationId,
  });
}

function follows({ facets }: ModelOrder): Content | null {
  const status = facets.get("PaymentProcessed")?.fields.status;
  const { reservedItems, warehouseId } = facets.get("InventoryReserved")?.fields ?? {};
  if (status === "failed") return { decisionType: "OrderRejected", reason: "Payment failed" };
  if (status !== "successful" || !isReserved(reservedItems)) return null;
  const estimatedDays = facets.get("ShippingCalculated")?.fields.estimatedDays ?? 5;
  return { decisionType: "OrderConfirmed", warehouseId, estimatedDays };
}

function isReserved(items: unknown): boolean {
  return Object.values(items ?? {}).some((quantity) => quantity > 0);
}

/** The part of a decision whose change makes a revision. */
export function contentOf(decision: Json): Content {
  const { decisionType, warehouseId, estimatedDays, reason } = decision;
  if (decisionType === "OrderRejected") return { decisionType, reason };
  if (decisionType === "OrderConfirmed") return { decisionType, warehouseId, estimatedDays };
  return { decisionType: String(decisionType) };
}

/** Null when nothing stands. */
export function standingContent({ decisions }: ModelOrder): Content | null {
  const last = decisions.at(-1);
  return last === undefined || last.decisionType === "OrderDecisionWithdrawn" ? null : contentOf(last);
}

function completenessOf({ facets }: ModelOrder): number {
  return facets.size * 20;
}

/** The order as the API has to show it, without history and decision. */
export function shown(order: ModelOrder): Json {
  const { facets } = order;
  const part = (type: string, names: Record<string, string>, time: string): Json | null => {
    const event = facets.get(type);
    if (event === undefined) return null;
    const fields = Object.entries(names).map(([name, field]) => [name, event.fields[field] ?? null] as const);
    return { ...Object.fromEntries(fields), [time]: event.at };
  };
  const status = facets.get("PaymentProcessed")?.fields.status;
  const reserved = isReserved(facets.get("InventoryReserved")?.fields.reservedItems);
  const undecided = facets.has("OrderCreated") ? "processing" : "pending";
  const decided = status === "successful" && reserved ? "confirmed" : undecided;
  return {
    processingStatus: status === "failed" ? "payment_failed" : decided,
    createdAt: facets.get("OrderCreated")?.at ?? null,
    customerInfo: part(
      "OrderCreated",
      { customerId: "customerId", orderAmount: "totalAmount", currency: "currency" },
      "receivedAt",
    ),
    paymentInfo: part(
      "PaymentProcessed",
      { transactionId: "transactionId", status: "status", amount: "amount", method: "method" },
      "processedAt",
    ),
    inventoryStatus: part(
      "InventoryReserved",
      { reservedItems: "reservedItems", warehouseId: "warehouseId" },
      "reservedAt",
    ),
    shippingInfo: part("ShippingCalculated", { cost: "shippingCost", estimatedDays: "estimatedDays" }, "calculatedAt"),
    loyaltyInfo: part(
      "LoyaltyPointsUpdated",
      { pointsEarned: "pointsEarned", totalPoints: "totalPoints", tierStatus: "tierStatus" },
      "updatedAt",
    ),
    dataCompleteness: completenessOf(order),
    version: order.events.size,
  };
}
