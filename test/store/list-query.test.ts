import fc from "fast-check";
import { expect, it } from "vitest";
import type { Answers } from "../../src/answers/answers.ts";
import type { ActorSummary } from "../../src/answers/queries.ts";
import { readDeadLetterFilter, readListFilter } from "../../src/answers/query-filters.ts";
import { orderEvent } from "../flow/order-events.ts";
import { answersOf, fill, type OrderBook, openOrderBook, order, PARTITIONS } from "./order-book.ts";
import { type Filters, filters, page, walk, walkDeadLetters } from "./paging.ts";

const START_MS = Date.parse("2026-03-01T00:00:00Z");

it("the list gives every order once, newest first, also when orders arrive between pages", () => {
  using book = openOrderBook();
  fill(book, 130);
  const first = page(book.queries, { limit: 50 });
  book.processor.apply([orderEvent(90_000, "late", "OrderCreated", 1)]);
  const rest = walk(book.queries, { limit: 50, cursor: first.nextCursor });
  const ids = [...first.orders, ...rest].map(({ orderId }) => orderId);
  expect(ids).toEqual(idsByAge(book).slice(1));
  expect(page(book.queries, { limit: 1 }).orders[0]).toMatchObject({
    orderId: "late",
    processingStatus: "processing",
    state: "processing",
  });
});

it("the list sums an order up", () => {
  using book = openOrderBook();
  book.processor.apply([
    orderEvent(1, "o", "PaymentProcessed", 5),
    orderEvent(2, "o", "InventoryReserved", 2),
    orderEvent(5, "o", "ShippingCalculated", 3),
  ]);
  expect(page(book.queries, {})).toEqual({
    orders: [
      {
        orderId: "o",
        processingStatus: "confirmed",
        state: "confirmed",
        dataCompleteness: 60,
        decisionType: "OrderConfirmed",
        revision: 2,
        version: 3,
        lastUpdated: "2026-03-01T00:00:00.005Z",
        firstSeen: "2026-03-01T00:00:00.001Z",
      },
    ],
    nextCursor: null,
  });
});

// With 7 rows a page, most pages are short and say where to go on.
it.each([{ maxScannedRows: 20_000 }, { maxScannedRows: 7 }])(
  "the list finds what its filters say ($maxScannedRows)",
  (options) => {
    using book = openOrderBook(options);
    fill(book, 130);
    const all = walk(book.queries, { limit: 200 });
    expect(all).toHaveLength(130);
    for (const filter of filters(all)) {
      const found = walk(book.queries, { ...filter, limit: 6 });
      const expected = all.filter((summary) => matches(book.queries, summary, filter));
      expect(sortById(found), JSON.stringify(filter)).toEqual(sortById(expected));
    }
  },
);

it("the list of ids that begin alike is in their order", () => {
  using book = openOrderBook();
  fill(book, 130);
  const ids = walk(book.queries, { idPrefix: "order-10", limit: 9 }).map(({ orderId }) => orderId);
  expect(ids.length).toBeGreaterThan(50);
  expect(ids).toEqual(ids.toSorted());
});

it("the list of what was updated before a time is what all rows say, newest first seen first, each once", () => {
  using book = openOrderBook({ maxScannedRows: 7 });
  fill(book, 60);
  const spread = book.db.prepare("UPDATE actors SET first_seen_ms = ? + key * ? % 40, updated_ms = ?");
  const follow = book.db.prepare("UPDATE actors SET updated_ms = first_seen_ms + key * ? % ?");
  const selectAll = book.db.prepare(`SELECT id FROM actors WHERE updated_ms < ? AND (completeness < 100 OR NOT ?)
    ORDER BY first_seen_ms DESC, id DESC`);
  const few = fc.nat({ max: 80 });
  const drawn = fc.record({
    step: few,
    stride: few,
    range: fc.integer({ min: 1, max: 80 }),
    before: few,
    incomplete: fc.boolean(),
  });
  fc.assert(
    fc.property(drawn, ({ step, stride, range, before, incomplete }) => {
      spread.run(START_MS, step, START_MS);
      // Many at one instant, as when a stream is caught up with.
      follow.run(stride, range);
      const updatedBefore = new Date(START_MS + before).toISOString();
      const found = walk(book.queries, { updatedBefore, limit: 9, ...(incomplete && { incomplete }) });
      const expected = selectAll.pluck().all(START_MS + before, Number(incomplete));
      expect(found.map(({ orderId }) => orderId)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

it("those first seen in one millisecond are in the order of their ids in every list, also over pages", () => {
  using book = openOrderBook({ maxScannedRows: 7 });
  fill(book, 130);
  book.db.exec(`UPDATE actors SET first_seen_ms = ${START_MS} + key % 3, updated_ms = updated_ms + 3`);
  const all = idsByAge(book);
  const own = walk(book.queries, { limit: 200 });
  for (const filter of filters(own)) {
    if (filter.idPrefix !== undefined) continue;
    const found = walk(book.queries, { ...filter, limit: 4 }).map(({ orderId }) => orderId);
    expect(found, JSON.stringify(filter)).toEqual(all.filter((id) => found.includes(String(id))));
    const expected = own.filter((summary) => matches(book.queries, summary, filter));
    expect(found).toHaveLength(expected.length);
  }
});

it("who was not updated since walks over nobody who was first seen since", () => {
  using book = openOrderBook({ maxScannedRows: 7 });
  fill(book, 60);
  book.db.exec(`UPDATE actors SET first_seen_ms = ${START_MS} + key, updated_ms = ${START_MS} + key`);
  const first = page(book.queries, { updatedBefore: new Date(START_MS + 5).toISOString(), limit: 3 });
  expect(first.orders).toHaveLength(3);
});

it("the list keeps to the partitions asked about", () => {
  using book = openOrderBook({ maxScannedRows: 7 });
  fill(book, 130);
  const shares = Array.from({ length: PARTITIONS }, (_, partition) => walk(book.queries, { limit: 8 }, [partition]));
  expect(sortById(shares.flat())).toEqual(sortById(walk(book.queries, { limit: 200 })));
  expect(walk(book.queries, {}, [0, 2])).toHaveLength((shares[0]?.length ?? 0) + (shares[2]?.length ?? 0));
  expect(book.queries.list(order, { limit: 8 }, [])).toEqual({ orders: [], nextCursor: null });
});

it("every question is answered through an index, whatever the statistics say", () => {
  const asked = new Set<string>();
  using book = openOrderBook({ onStatement: (sql) => asked.add(sql) });
  fill(book, 60);
  book.db.exec("ANALYZE");
  const all = walk(book.queries, { limit: 200 });
  for (const filter of filters(all)) walk(book.queries, { ...filter, limit: 20 }, [1, 2]);
  walkDeadLetters(book.queries, { limit: 2 });
  walkDeadLetters(book.queries, { reason: "malformed_json", limit: 2 });
  book.queries.deadLetter(order, 1);
  book.answers.get(order, String(all[0]?.orderId));
  book.answers.history(order, String(all[0]?.orderId));
  book.queries.stats(order, [1]);
  const selects = [...asked].filter((sql) => sql.startsWith("SELECT"));
  expect(selects.length).toBeGreaterThan(30);
  for (const sql of selects) {
    const steps = book.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    const scans = steps.filter(({ detail }) => /^SCAN (actors|events|decisions|dead_letters|tallies)/.test(detail));
    expect(scans, sql).toEqual([]);
    // Only one actor's rows, the counts, or those of one millisecond may be sorted.
    const sorts = steps.filter(({ detail }) => /TEMP B-TREE(?! FOR LAST TERM)/.test(detail));
    if (/FROM\s+(actors|dead_letters|\(SELECT)/.test(sql)) expect(sorts, sql).toEqual([]);
  }
});

it("a page's cursor is no place in another list", () => {
  using book = openOrderBook();
  fill(book, 20);
  const { nextCursor } = page(book.queries, { limit: 2 });
  const problem = expect.stringContaining("cursor");
  expect(readListFilter(order, { cursor: nextCursor, dueBefore: "2030-01-01T00:00:00Z" })).toEqual({ problem });
  expect(readDeadLetterFilter({ cursor: nextCursor })).toEqual({ problem });
  expect(readListFilter(order, { cursor: `${nextCursor}x` })).toEqual({ problem });
  expect(readListFilter(order, { cursor: nextCursor, state: "pending" })).not.toHaveProperty("problem");
});

function matches(queries: Answers, summary: ActorSummary, filter: Filters): boolean {
  const { state, decision, incomplete, completeness, waitingFor, idPrefix, updatedBefore } = filter;
  const id = String(summary.orderId);
  return (
    (completeness === undefined || summary.dataCompleteness === completeness) &&
    (waitingFor === undefined || answersOf(queries).get(order, id)?.waitingFor.includes(waitingFor) === true) &&
    (idPrefix === undefined || id.startsWith(idPrefix)) &&
    (state === undefined || summary.processingStatus === state) &&
    (decision === undefined || (summary.decisionType ?? "none") === decision) &&
    (incomplete === undefined || summary.dataCompleteness < 100 === incomplete) &&
    (updatedBefore === undefined || summary.lastUpdated < updatedBefore)
  );
}

function sortById(summaries: readonly ActorSummary[]): ActorSummary[] {
  return summaries.toSorted((a, b) => (String(a.orderId) < String(b.orderId) ? -1 : 1));
}

function idsByAge(book: OrderBook): unknown[] {
  return book.db.prepare("SELECT id FROM actors ORDER BY first_seen_ms DESC, id DESC").pluck().all();
}
