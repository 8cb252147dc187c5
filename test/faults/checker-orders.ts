import { judgeOrder, type Seen } from "../../machines/order/reference.ts";
import type { Accepted } from "../wire/contract.ts";

export type Json = { readonly [field: string]: unknown };

/** What must be known of an order once its events have been heard, in stream order. */
export interface ModelOrder {
  /** By name, see {@link nameOf}, in the order in which they were first heard. */
  readonly events: Map<string, ModelEvent>;
  /** As published, revision 1 first. */
  readonly decisions: Json[];
}

/** One distinct event. */
export interface ModelEvent {
  readonly event: Accepted;
  readonly seen: Seen;
  /** Stream sequence and time (ms since 1970) of its first delivery. */
  readonly sequence: number;
  readonly storedAtMs: number;
  readonly outcome: "applied" | "superseded";
  /** Deliveries after the first. */
  duplicates: number;
}

type Content = { readonly decisionType: string; readonly [field: string]: unknown };

export function newOrder(): ModelOrder {
  return { events: new Map(), decisions: [] };
}

/** Lets one accepted message of the stream have its one effect. */
export function hear(order: ModelOrder, event: Accepted, sequence: number, storedAtMs: number): void {
  const name = nameOf(event.type, event.eventId);
  const known = order.events.get(name);
  if (known !== undefined) {
    known.duplicates++;
    return;
  }
  const { eventId: id, type, timestamp: at } = event;
  const seen: Seen = { id, type, at, instant: nanoseconds(at), body: event.data as Json };
  const { winners, ...verdict } = judgeOrder([...seenBy(order), seen]);
  const outcome = winners[type] === seen ? "applied" : "superseded";
  order.events.set(name, { event, seen, sequence, storedAtMs, outcome, duplicates: 0 });
  if (JSON.stringify(verdict.decision) !== JSON.stringify(standingContent(order))) decide(order, event, verdict);
}

/** Ids of different event types do not meet. */
export function nameOf(type: unknown, eventId: unknown): string {
  return `${type} ${eventId}`;
}

/** @param verdict - what its events up to `cause` amount to. */
function decide(order: ModelOrder, cause: Accepted, verdict: Omit<ReturnType<typeof judgeOrder>, "winners">): void {
  const { decision, grounds, completeness } = verdict;
  const revision = order.decisions.length + 1;
  order.decisions.push({
    ...(decision ?? { decisionType: "OrderDecisionWithdrawn" }),
    orderId: cause.actorId,
    revision,
    supersedes: revision === 1 ? null : revision - 1,
    decidedAt: grounds.reduce((a, b) => (b.instant > a.instant ? b : a)).at,
    dataCompleteness: completeness,
    basedOn: grounds.map(({ id }) => id),
    causationId: cause.eventId,
    correlationId: cause.correlationId,
  });
}

/** The part of a decision whose change makes a revision. */
export function contentOf(decision: Json): Content {
  const { decisionType, warehouseId, estimatedDays, reason } = decision;
  if (decisionType === "OrderRejected") return { decisionType, reason };
  if (decisionType === "OrderConfirmed") return { decisionType, warehouseId, estimatedDays };
  return { decisionType: String(decisionType) };
}

/** Null when nothing stands. */
export function standingContent({ decisions }: Pick<ModelOrder, "decisions">): Content | null {
  const last = decisions.at(-1);
  return last === undefined || last.decisionType === "OrderDecisionWithdrawn" ? null : contentOf(last);
}

/** The order as the API has to show it, without history and decision. */
export function shown(order: ModelOrder): Json {
  const { state, view, completeness } = judgeOrder(seenBy(order));
  return { processingStatus: state, ...view, dataCompleteness: completeness, version: order.events.size };
}

function seenBy({ events }: ModelOrder): Seen[] {
  return [...events.values()].map(({ seen }) => seen);
}

/** @param at - RFC 3339 in UTC with at least milliseconds. */
function nanoseconds(at: string): bigint {
  const [, fraction = ""] = /\.(\d+)Z$/.exec(at) ?? [];
  return BigInt(Math.floor(Date.parse(at) / 1000)) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}
