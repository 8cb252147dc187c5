import type { ActorType } from "../actor/actor-type.ts";
import { type CursorOrder, comparePlaces, decodeCursor, encodeCursor, type Place } from "./cursor.ts";
import type { DeadLetterPage } from "./dead-letters.ts";
import { joinPasts } from "./find-actor.ts";
import { placeOf } from "./present-rows.ts";
import type { QuarantineEntry, QuarantinePage } from "./quarantine.ts";
import type { ActorPage, ActorSummary, ListFilter, Stats } from "./queries.ts";
import { listOrder } from "./query-filters.ts";

/*
 * What daemons answer, each for its own partitions, as one answer; the answers are of every partition once (`share.ts`).
 */

/** The first rows of a list, as one daemon has them. */
interface Stretch<Row> {
  readonly rows: readonly Row[];
  /** Up to where it has looked; null: to the end. */
  readonly end: Place | null;
}

/** Together they are complete up to where the shortest ends. */
function joinStretches<Row>(
  order: CursorOrder,
  stretches: readonly Stretch<Row>[],
  limit: number,
  placeOfRow: (row: Row) => Place,
): Stretch<Row> {
  const ends = stretches.flatMap(({ end }) => (end === null ? [] : [end])).sort((a, b) => comparePlaces(order, a, b));
  const [end = null] = ends;
  const rows = stretches
    .flatMap((stretch) => stretch.rows.map((row) => ({ row, place: placeOfRow(row) })))
    .filter(({ place }) => end === null || comparePlaces(order, place, end) <= 0)
    .sort((a, b) => comparePlaces(order, a.place, b.place));
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1)?.place : undefined;
  return { rows: page.map(({ row }) => row), end: last ?? end };
}

/** @param filter - what each was asked. */
export function joinLists(type: ActorType, filter: ListFilter, pages: readonly ActorPage[]): ActorPage {
  const order = listOrder(filter);
  const stretches = pages.map((page) => ({
    rows: page[type.collection] as readonly ActorSummary[],
    end: readCursor(order, page),
  }));
  const { rows, end } = joinStretches(order, stretches, filter.limit, (row) => placeOf(type, order, row));
  return {
    [type.collection]: rows,
    nextCursor: end === null ? null : encodeCursor(order, end),
    ...joinPasts(pages),
  } as ActorPage;
}

/** @param limit - what each was asked. */
export function joinDeadLetters(pages: readonly DeadLetterPage[], limit: number): DeadLetterPage {
  const stretches = pages.map((page) => ({ rows: page.deadLetters, end: readCursor("dead", page) }));
  const { rows, end } = joinStretches("dead", stretches, limit, ({ sequence }) => [sequence]);
  return { deadLetters: rows, nextCursor: end === null ? null : encodeCursor("dead", end), ...joinPasts(pages) };
}

/** All that is known for certain to come first; more follow when one of them says so. */
export function joinQuarantined(type: ActorType, pages: readonly QuarantinePage[]): QuarantinePage {
  const place = (entry: QuarantineEntry): Place => [String(entry[type.idField])];
  const stretches = pages.map((page) => {
    const rows = page[type.collection] as readonly QuarantineEntry[];
    const last = rows.at(-1);
    return { rows, end: page.more && last !== undefined ? place(last) : null };
  });
  const { rows, end } = joinStretches("id", stretches, Number.POSITIVE_INFINITY, place);
  return { [type.collection]: rows, more: end !== null, ...joinPasts(pages) } as QuarantinePage;
}

/** The sum; also over several types, whose collections then stand beside each other. */
export function joinStats(all: readonly Stats[]): Stats {
  const counts = all.map(({ share: _, ...rest }) => rest as Stats);
  return { ...counts.reduce(addCounts), ...joinPasts(all) };
}

/** The same shape, every number the sum. */
function addCounts<Shape>(a: Shape, b: Shape): Shape {
  if (typeof a === "number" && typeof b === "number") return (a + b) as Shape;
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a ?? b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Shape>;
  const sum = [...names].map((name) => {
    if (!Object.hasOwn(a, name)) return [name, b[name]];
    return [name, Object.hasOwn(b, name) ? addCounts(a[name], b[name]) : a[name]];
  });
  return Object.fromEntries(sum) as Shape;
}

function readCursor(order: CursorOrder, { nextCursor }: { readonly nextCursor: string | null }): Place | null {
  return nextCursor === null ? null : decodeCursor(order, nextCursor);
}
