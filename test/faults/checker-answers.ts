import { isDeepStrictEqual } from "node:util";
import {
  contentOf,
  type Json,
  type ModelEvent,
  type ModelOrder,
  nameOf,
  shown,
  standingContent,
} from "./checker-orders.ts";
import type { Report } from "./checker-outputs.ts";

/** Asks the daemon's API. */
export async function ask(httpUrl: string, path: string): Promise<Json> {
  return (await (await fetch(`${httpUrl}${path}`)).json()) as Json;
}

/** What the API says of an order, and what it should. */
export interface Asked {
  readonly id: string;
  readonly answer: Json;
  readonly model: ModelOrder;
}

/** Facets, state and standing decision, which has to be the last one published. */
export function checkOrder({ id, answer: order, model }: Asked, published: readonly Json[], report: Report): void {
  for (const [name, expected] of Object.entries(shown(model))) {
    if (isDeepStrictEqual(order[name], expected)) continue;
    report.wrong.push(`${id}: ${name} is ${JSON.stringify(order[name])}, expected ${JSON.stringify(expected)}`);
  }
  const decision = order.decision as Json | null | undefined;
  const expected = standingContent(model);
  const standing = decision === null || decision === undefined ? null : contentOf(decision);
  if (!isDeepStrictEqual(standing, expected)) {
    report.wrong.push(`${id}: the API says ${JSON.stringify(standing)} stands, expected ${JSON.stringify(expected)}`);
  }
  const last = published.at(-1);
  if (standing !== null && !isDeepStrictEqual(decision, last)) {
    report.wrong.push(`${id}: the API says ${JSON.stringify(decision)} stands, DECISIONS says ${JSON.stringify(last)}`);
  }
}

/** Each accepted event has had exactly one effect. */
export function checkHistory(
  { id, answer: history, model }: Asked,
  { exact, inOrder }: { readonly exact: boolean; readonly inOrder: boolean },
  report: Report,
): void {
  const rows = (history.events ?? []) as Json[];
  const seen = new Set<unknown>();
  for (const row of rows) {
    const name = nameOf(row.eventType, row.eventId);
    const expected = model.events.get(name);
    if (expected === undefined) report.wrong.push(`${id}: nobody published ${row.eventId}`);
    else if (seen.has(name)) report.doubled.push(`${id}: ${row.eventId} is in its history twice`);
    else if (exact && Number(row.duplicates) > expected.duplicates)
      report.doubled.push(
        `${id}: ${row.eventId} was counted ${row.duplicates} times more, expected ${expected.duplicates}`,
      );
    else if (exact && Number(row.duplicates) < expected.duplicates)
      report.lost.push(`${id}: a copy of ${row.eventId} was not counted`);
    else if (!isAsHeard(row, expected)) {
      const { outcome, sequence, event } = expected;
      report.wrong.push(
        `${id}: ${row.eventId} is in its history as ${JSON.stringify(row)}, expected ${outcome} at ${event.timestamp}, sequence ${sequence}, ${JSON.stringify(event.data)}`,
      );
    }
    seen.add(name);
  }
  const order = rows.map((row) => nameOf(row.eventType, row.eventId));
  if (inOrder && !isDeepStrictEqual(order, inOrderHeard(order, model)))
    report.wrong.push(`${id}: its history is not in the order in which it was heard: ${order.join(", ")}`);
  for (const name of model.events.keys()) if (!seen.has(name)) report.lost.push(`${id}: ${name} had no effect`);
}

function inOrderHeard(names: readonly string[], { events }: ModelOrder): string[] {
  const places = new Map([...events.keys()].map((name, place) => [name, place]));
  return names.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

function isAsHeard(row: Json, { event, outcome, sequence, storedAtMs }: ModelEvent): boolean {
  return (
    row.outcome === outcome &&
    row.sequence === sequence &&
    row.eventType === event.type &&
    row.timestamp === event.timestamp &&
    row.receivedAt === new Date(storedAtMs).toISOString() &&
    row.correlationId === event.correlationId &&
    isDeepStrictEqual(row.data, event.data)
  );
}

/** The running counts. */
export async function checkCounts(
  httpUrl: string,
  { events, bad, orders }: { readonly events: number; readonly bad: number; readonly orders: number },
  report: Report,
): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: an answer looked at field by field
  const stats = (await ask(httpUrl, "/api/stats")) as any;
  const counted = stats.events.applied + stats.events.superseded + stats.events.duplicate;
  const states = Object.values(stats.orders.byState as Record<string, number>).reduce((sum, count) => sum + count, 0);
  if (counted !== events - bad)
    report.wrong.push(`the API has counted ${counted} events, ${events - bad} are in ORDERS`);
  if (states !== orders) report.wrong.push(`the API has counted ${states} orders, ${orders} are in ORDERS`);
}
