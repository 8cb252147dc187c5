import { describe, expect, it } from "vitest";
import type { Answers } from "../../src/answers/answers.ts";
import {
  type ActorSummary,
  type DeadLetterSummary,
  HISTORY_BYTES,
  HISTORY_LIMIT,
  type ListFilter,
} from "../../src/answers/queries.ts";
import { isRefused, readDeadLetterFilter, readListFilter } from "../../src/answers/query-filters.ts";
import { atOnce, type Pieces } from "../../src/flow/pieces.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { answersOf, fill, type OrderBook, openOrderBook, order, PARTITIONS } from "./order-book.ts";

const story = [
  orderEvent(1, "o", "PaymentProcessed", 5, { correlationId: "trace-1" }),
  orderEvent(2, "o", "InventoryReserved", 2),
  orderEvent(3, "o", "PaymentProcessed", 1, { status: "failed" }),
  orderEvent(4, "o", "PaymentProcessed", 5),
  orderEvent(5, "o", "ShippingCalculated", 3),
];

const confirmed = {
  decisionType: "OrderConfirmed",
  orderId: "o",
  warehouseId: "warehouse-west",
  decidedAt: "2026-02-01T00:00:05.000Z",
  basedOn: ["PaymentProcessed-5", "InventoryReserved-2"],
};

describe("one order", () => {
  it("is told with its facets, its standing decision, its history and what it waits for", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    expect(book.answers.get(order, "o")).toEqual({
      orderId: "o",
      processingStatus: "confirmed",
      createdAt: null,
      customerInfo: null,
      paymentInfo: {
        transactionId: null,
        status: "successful",
        amount: 99.99,
        method: null,
        processedAt: "2026-02-01T00:00:05.000Z",
      },
      inventoryStatus: {
        reservedItems: { "sku-1": 2 },
        warehouseId: "warehouse-west",
        reservedAt: "2026-02-01T00:00:02.000Z",
      },
      shippingInfo: { cost: 10, estimatedDays: 3, calculatedAt: "2026-02-01T00:00:03.000Z" },
      loyaltyInfo: null,
      dataCompleteness: 60,
      decision: {
        ...confirmed,
        revision: 2,
        supersedes: 1,
        estimatedDays: 3,
        dataCompleteness: 60,
        basedOn: [...confirmed.basedOn, "ShippingCalculated-3"],
        causationId: "ShippingCalculated-3",
        correlationId: null,
      },
      version: 4,
      lastUpdated: "2026-03-01T00:00:00.005Z",
      eventHistory: [
        {
          eventId: "PaymentProcessed-5",
          eventType: "PaymentProcessed",
          timestamp: "2026-02-01T00:00:05.000Z",
          receivedAt: "2026-03-01T00:00:00.001Z",
          outcome: "applied",
          duplicates: 1,
          conflicts: 0,
          sequence: 1,
          correlationId: "trace-1",
        },
        expect.objectContaining({
          eventId: "InventoryReserved-2",
          outcome: "applied",
          sequence: 2,
          correlationId: null,
        }),
        expect.objectContaining({ eventId: "PaymentProcessed-1", outcome: "superseded", sequence: 3, duplicates: 0 }),
        expect.objectContaining({ eventId: "ShippingCalculated-3", sequence: 5 }),
      ],
      waitingFor: ["OrderCreated", "LoyaltyPointsUpdated"],
    });
  });

  it("has no decision before one is taken and after it is withdrawn", () => {
    using book = openOrderBook();
    book.processor.apply(story.slice(0, 1));
    expect(book.answers.get(order, "o")?.decision).toBeNull();
    book.processor.apply([...story.slice(1), orderEvent(6, "o", "InventoryReserved", 9, { reservedItems: {} })]);
    expect(book.answers.get(order, "o")).toMatchObject({ decision: null, processingStatus: "pending" });
  });

  it("is unknown here when no event of it was applied, and its name is case-sensitive", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    expect(book.answers.get(order, "O")).toBeUndefined();
    expect(book.answers.history(order, "O")).toBeUndefined();
  });

  it("is answered from its events when its snapshot is damaged", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    const before = book.answers.get(order, "o");
    book.db.exec("UPDATE actors SET snapshot = replace(snapshot, '99.99', '11.11')");
    expect(book.answers.get(order, "o")).toEqual(before);
  });

  it("keeps the latest 1000 events of a longer history", () => {
    using book = openOrderBook();
    book.processor.apply(
      Array.from({ length: 1005 }, (_, index) => orderEvent(index + 1, "o", "LoyaltyPointsUpdated", index)),
    );
    const answer = book.answers.get(order, "o");
    expect(answer?.version).toBe(1005);
    expect(answer?.eventHistory.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 1000 }, (_, index) => index + 6),
    );
  });
});

it("the history has each event's own fields and each revision, published or not", () => {
  using book = openOrderBook();
  book.processor.apply(story);
  book.db.exec("UPDATE decisions SET published = 17 WHERE revision = 1");
  const history = book.answers.history(order, "o");
  expect(Object.keys(history ?? {})).toEqual(["orderId", "total", "events", "decisions"]);
  expect(history?.events.map(({ data }) => data)).toEqual([
    { amount: 99.99, status: "successful" },
    { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west" },
    { amount: 99.99, status: "failed" },
    { shippingCost: 10, estimatedDays: 3 },
  ]);
  expect(history?.decisions).toEqual([
    expect.objectContaining({ ...confirmed, revision: 1, estimatedDays: 5, published: true, sequence: 17 }),
    expect.objectContaining({ revision: 2, estimatedDays: 3, published: false, sequence: null }),
  ]);
});

it("a long history is answered in pieces, whatever is asked of it", () => {
  using book = openOrderBook();
  const long = Array.from({ length: 3000 }, (_, index) =>
    orderEvent(index + 1, "long", index % 2 === 0 ? "PaymentProcessed" : "InventoryReserved", index, { amount: index }),
  );
  book.processor.apply(long);
  const { get, history, steps, next } = book.queries;
  const [first, second] = [history(order, "long"), history(order, "long")];
  // Each as of its own moment, and one after the other or by turns all the same.
  first.next();
  book.processor.apply([orderEvent(3001, "long", "ShippingCalculated", 1)]);
  second.next();
  expect(atOnce(first)).toMatchObject({ total: 3000, events: { length: HISTORY_LIMIT } });
  expect(atOnce(second)?.events.at(-1)).toMatchObject({ eventType: "ShippingCalculated" });
  expect([get, history, steps, next].map((ask) => piecesOf(ask(order, "long")) >= 500)).toEqual(Array(4).fill(true));
  // A machine of another version makes the order anew, from every event.
  book.db.exec("UPDATE actors SET machine_version = 0");
  expect(piecesOf(get(order, "long"))).toBeGreaterThan(6000);
});

it("as of when a store is: when the partition that is furthest behind was last heard of, if it is known", () => {
  using book = openOrderBook();
  const laneOf = (partition: number) => ({ ...orderLane, partition });
  book.processor.apply([
    orderEvent(10, "a", "OrderCreated", 1, {}, laneOf(0)),
    orderEvent(20, "b", "OrderCreated", 1, {}, laneOf(1)),
    orderEvent(30, "c", "OrderCreated", 1, {}, laneOf(1)),
  ]);
  expect(book.queries.asOf(order, [1])).toBe("2026-03-01T00:00:00.030Z");
  expect(book.queries.asOf(order, [0, 1])).toBe("2026-03-01T00:00:00.010Z");
  expect(book.queries.asOf(order, [0, 1, 2])).toBeNull();
});

it("a history of large events gives as many of the latest as fit", () => {
  using book = openOrderBook();
  const items = Array.from({ length: 900 }, (_, index) => ({ sku: `sku-${index}-${"x".repeat(30)}`, quantity: 1 }));
  book.processor.apply(
    Array.from({ length: 100 }, (_, index) => orderEvent(index + 1, "o", "OrderCreated", index, { items })),
  );
  const history = book.answers.history(order, "o");
  expect(history).toMatchObject({ total: 100, events: expect.any(Array) });
  const bytes = JSON.stringify(history?.events).length;
  expect(bytes).toBeGreaterThan(0.9 * HISTORY_BYTES);
  expect(bytes).toBeLessThan(1.1 * HISTORY_BYTES);
  expect(history?.events.at(-1)).toMatchObject({ sequence: 100 });
});

function piecesOf(pieces: Pieces<unknown>): number {
  let count = 1;
  while (!pieces.next().done) count++;
  return count;
}

describe("the list", () => {
  it("gives every order once, newest first, also when orders arrive between pages", () => {
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
    });
  });

  it("sums an order up", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    expect(page(book.queries, {})).toEqual({
      orders: [
        {
          orderId: "o",
          processingStatus: "confirmed",
          dataCompleteness: 60,
          decisionType: "OrderConfirmed",
          revision: 2,
          version: 4,
          lastUpdated: "2026-03-01T00:00:00.005Z",
          firstSeen: "2026-03-01T00:00:00.001Z",
        },
      ],
      nextCursor: null,
    });
  });

  // With 7 rows a page, most pages are short and say where to go on.
  it.each([{ maxScannedRows: 20_000 }, { maxScannedRows: 7 }])(
    "finds what its filters say ($maxScannedRows)",
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

  it("of ids that begin alike is in their order", () => {
    using book = openOrderBook();
    fill(book, 130);
    const ids = walk(book.queries, { idPrefix: "order-10", limit: 9 }).map(({ orderId }) => orderId);
    expect(ids.length).toBeGreaterThan(50);
    expect(ids).toEqual(ids.toSorted());
  });

  it("of what was updated before a time starts with the latest, each once", () => {
    using book = openOrderBook();
    fill(book, 130);
    // Many at one instant, as when a stream is caught up with.
    book.db.exec("UPDATE actors SET updated_ms = updated_ms / 30 * 30");
    const found = walk(book.queries, { updatedBefore: "2030-01-01T00:00:00Z", limit: 9 });
    expect(new Set(found.map((row) => row.orderId)).size).toBe(130);
    const times = found.map((row) => row.lastUpdated);
    expect(times).toEqual(times.toSorted().reverse());
  });

  it("keeps to the partitions asked about", () => {
    using book = openOrderBook({ maxScannedRows: 7 });
    fill(book, 130);
    const shares = Array.from({ length: PARTITIONS }, (_, partition) => walk(book.queries, { limit: 8 }, [partition]));
    expect(sortById(shares.flat())).toEqual(sortById(walk(book.queries, { limit: 200 })));
    expect(walk(book.queries, {}, [0, 2])).toHaveLength((shares[0]?.length ?? 0) + (shares[2]?.length ?? 0));
    expect(book.queries.list(order, { limit: 8 }, [])).toEqual({ orders: [], nextCursor: null });
  });
});

describe("counts", () => {
  it("agree with the rows", () => {
    using book = openOrderBook();
    fill(book, 130);
    const all = walk(book.queries, { limit: 200 });
    const stats = book.queries.stats(order);
    const countRows = (sql: string) => book.db.prepare(sql).pluck().get();
    const ofState = (state: string) => all.filter(({ processingStatus }) => processingStatus === state).length;
    expect(stats.orders).toEqual({
      total: 130,
      byState: Object.fromEntries(order.states.map((state) => [state, ofState(state)])),
    });
    const ofDecision = (type: string) => all.filter(({ decisionType }) => decisionType === type).length;
    expect(stats.standing.byType).toEqual({
      OrderConfirmed: ofDecision("OrderConfirmed"),
      OrderRejected: ofDecision("OrderRejected"),
    });
    expect(stats.events).toEqual({
      parked: 0,
      conflict: 0,
      applied: countRows("SELECT count(*) FROM events WHERE outcome = 'applied'"),
      superseded: countRows("SELECT count(*) FROM events WHERE outcome = 'superseded'"),
      duplicate: countRows("SELECT sum(duplicates) FROM events"),
    });
    expect(stats.decisions.revised).toBe(countRows("SELECT count(*) FROM decisions WHERE revision > 1"));
    expect(sum(stats.completeness.byPercent)).toBe(130);
    for (const [percent, count] of Object.entries(stats.completeness.byPercent)) {
      expect(count, percent).toBe(all.filter((row) => row.dataCompleteness === Number(percent)).length);
    }
    expect(sum(stats.decisions.byType)).toBe(countRows("SELECT count(*) FROM decisions"));
    expect(sum(stats.deadLetters.byReason)).toBe(countRows("SELECT count(*) FROM dead_letters"));
  });

  it("say since when the order is known that waits for a decision for longest", () => {
    using book = openOrderBook();
    expect(book.queries.undecidedSince(order)).toBeNull();
    fill(book, 130);
    const oldest = (where: string) =>
      book.db.prepare(`SELECT min(first_seen_ms) FROM actors WHERE decision_type IS NULL ${where}`).pluck().get();
    expect(book.queries.undecidedSince(order)).toBe(oldest(""));
    expect(book.queries.undecidedSince(order, [2])).toBe(oldest("AND partition = 2"));
    expect(book.queries.undecidedSince(order, [])).toBeNull();
  });

  it("name everything there could be when there is nothing, and add up over partitions", () => {
    using book = openOrderBook();
    expect(book.queries.stats(order)).toMatchObject({
      orders: { total: 0, byState: { pending: 0, processing: 0, payment_failed: 0, confirmed: 0 } },
      standing: { byType: { OrderConfirmed: 0, OrderRejected: 0 } },
      events: { applied: 0, superseded: 0, duplicate: 0, conflict: 0, parked: 0 },
      quarantined: 0,
      retired: 0,
      decisions: { byType: { OrderConfirmed: 0, OrderRejected: 0, OrderDecisionWithdrawn: 0 }, revised: 0 },
      deadLetters: { byReason: { malformed_json: 0, machine_error: 0, actor_retired: 0 } },
    });
    fill(book, 40);
    const applied = [[0, 1], [2, 3], undefined].map(
      (partitions) => book.queries.stats(order, partitions).events.applied,
    );
    expect(applied[0]).toBeGreaterThan(0);
    expect((applied[0] ?? 0) + (applied[1] ?? 0)).toBe(applied[2]);
  });
});

describe("dead letters", () => {
  it("are listed newest first, each once, and by reason", () => {
    using book = openOrderBook();
    fill(book, 20);
    const all = walkDeadLetters(book.queries, { limit: 5 });
    expect(all.length).toBeGreaterThan(10);
    expect(all.map(({ sequence }) => sequence)).toEqual(
      book.db.prepare("SELECT sequence FROM dead_letters ORDER BY sequence DESC").pluck().all(),
    );
    const reason = all[0]?.reason;
    expect(walkDeadLetters(book.queries, { reason, limit: 1 })).toEqual(all.filter((row) => row.reason === reason));
  });

  it("are told in full, with what was sent: text as text, other bytes as base64", () => {
    using book = openOrderBook();
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    book.processor.apply([
      deliver(1, "orders.o.OrderCreated", "{ nö", { "Nats-Msg-Id": "m1" }),
      deliver(2, "orders.o.OrderCreated", bytes),
    ]);
    book.db.exec("UPDATE dead_letters SET published = 4 WHERE sequence = 2");
    expect(book.queries.deadLetter(order, 1)).toEqual({
      stream: "ORDERS",
      sequence: 1,
      reason: "malformed_json",
      error: expect.stringContaining("body"),
      subject: `orders.${orderLane.partition}.o.OrderCreated`,
      receivedAt: "2026-03-01T00:00:00.001Z",
      bytes: 5,
      published: false,
      publishedSequence: null,
      streamSequence: 1,
      deadLetterSequence: null,
      headers: [["Nats-Msg-Id", "m1"]],
      body: "{ nö",
      encoding: "utf8",
    });
    const binary = { body: bytes.toString("base64"), encoding: "base64", published: true, publishedSequence: 4 };
    expect(book.queries.deadLetter(order, 2)).toMatchObject(binary);
    expect(book.queries.deadLetter(order, 3)).toBeUndefined();
  });
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
    // Only one actor's rows, or the counts, may be sorted.
    const sorts = steps.filter(({ detail }) => detail.includes("TEMP B-TREE"));
    if (/FROM\s+(actors|dead_letters|\(SELECT)/.test(sql)) expect(sorts, sql).toEqual([]);
  }
});

it("a page's cursor is no place in another list", () => {
  using book = openOrderBook();
  fill(book, 20);
  const { nextCursor } = page(book.queries, { limit: 2 });
  const problem = expect.stringContaining("cursor");
  expect(readListFilter(order, { cursor: nextCursor, updatedBefore: "2030-01-01T00:00:00Z" })).toEqual({ problem });
  expect(readDeadLetterFilter({ cursor: nextCursor })).toEqual({ problem });
  expect(readListFilter(order, { cursor: `${nextCursor}x` })).toEqual({ problem });
  expect(readListFilter(order, { cursor: nextCursor, state: "pending" })).not.toHaveProperty("problem");
});

interface OrderPage {
  readonly orders: readonly ActorSummary[];
  readonly nextCursor: string | null;
}

function page(queries: Answers, parameters: object, partitions?: number[]): OrderPage {
  const filter = readListFilter(order, { ...parameters });
  if (isRefused(filter)) throw new Error(filter.problem);
  return queries.list(order, filter satisfies ListFilter, partitions) as unknown as OrderPage;
}

/** Every page from here to the end. */
function walk(queries: Answers, parameters: object, partitions?: number[]): ActorSummary[] {
  const found: ActorSummary[] = [];
  let cursor: string | null | undefined;
  do {
    const { orders, nextCursor } = page(
      queries,
      cursor === undefined ? parameters : { ...parameters, cursor },
      partitions,
    );
    found.push(...orders);
    cursor = nextCursor;
  } while (cursor !== null);
  return found;
}

function walkDeadLetters(queries: Answers, parameters: object): DeadLetterSummary[] {
  const found: DeadLetterSummary[] = [];
  let cursor: string | null = null;
  do {
    const filter = readDeadLetterFilter({ ...parameters, cursor });
    if (isRefused(filter)) throw new Error(filter.problem);
    const { deadLetters, nextCursor } = queries.deadLetters(order, filter);
    found.push(...deadLetters);
    cursor = nextCursor;
  } while (cursor !== null);
  return found;
}

interface Filters {
  readonly state?: string;
  readonly decision?: string;
  readonly incomplete?: boolean;
  readonly completeness?: number;
  readonly waitingFor?: string;
  readonly idPrefix?: string;
  readonly updatedBefore?: string;
}

/** Every combination of a few values of each filter. */
function filters(all: readonly ActorSummary[]): Filters[] {
  const updatedBefore = all[Math.floor(all.length / 2)]?.lastUpdated;
  const combined: Filters[] = [];
  for (const state of [undefined, "confirmed", "processing"]) {
    for (const decision of [undefined, "OrderRejected", "none"]) {
      for (const incomplete of [undefined, true, false]) {
        for (const before of [undefined, updatedBefore]) {
          combined.push({ state, decision, incomplete, updatedBefore: before });
        }
      }
    }
  }
  for (const state of [undefined, "processing"]) {
    for (const updatedBefore of [undefined, all[50]?.lastUpdated]) {
      for (const completeness of [80, 100]) combined.push({ state, updatedBefore, completeness });
      for (const waitingFor of ["PaymentProcessed", "OrderCreated"])
        combined.push({ state, updatedBefore, waitingFor });
      for (const idPrefix of ["order-10", "order-1001", "none"]) combined.push({ state, updatedBefore, idPrefix });
    }
  }
  return combined;
}

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
  return book.db.prepare("SELECT id FROM actors ORDER BY key DESC").pluck().all();
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
