import { expect, it } from "vitest";
import { HISTORY_BYTES, HISTORY_LIMIT } from "../../src/answers/queries.ts";
import { atOnce, type Pieces } from "../../src/flow/pieces.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openOrderBook, order } from "./order-book.ts";

const story = [
  orderEvent(1, "o", "PaymentProcessed", { second: 5, correlationId: "trace-1" }),
  orderEvent(2, "o", "InventoryReserved", 2),
  orderEvent(3, "o", "PaymentProcessed", { second: 1, status: "failed" }),
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

it("one order is told with its facets, its standing decision, its history and what it waits for", () => {
  using book = openOrderBook();
  book.processor.apply(story);
  expect(book.answers.get(order, "o")).toEqual({
    orderId: "o",
    processingStatus: "confirmed",
    state: "confirmed",
    value: "confirmed",
    due: [],
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

it("one order has no decision before one is taken and after it is withdrawn", () => {
  using book = openOrderBook();
  book.processor.apply(story.slice(0, 1));
  expect(book.answers.get(order, "o")?.decision).toBeNull();
  book.processor.apply([...story.slice(1), orderEvent(6, "o", "InventoryReserved", { second: 9, reservedItems: {} })]);
  expect(book.answers.get(order, "o")).toMatchObject({ decision: null, processingStatus: "pending" });
});

it("one order is unknown here when no event of it was applied, and its name is case-sensitive", () => {
  using book = openOrderBook();
  book.processor.apply(story);
  expect(book.answers.get(order, "O")).toBeUndefined();
  expect(book.answers.history(order, "O")).toBeUndefined();
});

it("one order is answered from its events when its snapshot is damaged", () => {
  using book = openOrderBook();
  book.processor.apply(story);
  const before = book.answers.get(order, "o");
  book.db.exec("UPDATE actors SET snapshot = replace(snapshot, '99.99', '11.11')");
  expect(book.answers.get(order, "o")).toEqual(before);
});

it("one order keeps the latest 1000 events of a longer history", () => {
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
    orderEvent(index + 1, "long", index % 2 === 0 ? "PaymentProcessed" : "InventoryReserved", {
      second: index,
      amount: index,
    }),
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

it("a history of large events gives as many of the latest as fit", () => {
  using book = openOrderBook();
  const items = Array.from({ length: 900 }, (_, index) => ({ sku: `sku-${index}-${"x".repeat(30)}`, quantity: 1 }));
  book.processor.apply(
    Array.from({ length: 100 }, (_, index) => orderEvent(index + 1, "o", "OrderCreated", { second: index, items })),
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

it("as of when a store is: when the partition that is furthest behind was last heard of, if it is known", () => {
  using book = openOrderBook();
  const laneOf = (partition: number) => ({ ...orderLane, partition });
  book.processor.apply([
    orderEvent(10, "a", "OrderCreated", { second: 1, lane: laneOf(0) }),
    orderEvent(20, "b", "OrderCreated", { second: 1, lane: laneOf(1) }),
    orderEvent(30, "c", "OrderCreated", { second: 1, lane: laneOf(1) }),
  ]);
  expect(book.queries.asOf(order, [1])).toBe("2026-03-01T00:00:00.030Z");
  expect(book.queries.asOf(order, [0, 1])).toBe("2026-03-01T00:00:00.010Z");
  expect(book.queries.asOf(order, [0, 1, 2])).toBeNull();
  book.processor.apply([deliver(40, "orders.x.OrderCreated", "{ dead", { lane: laneOf(0) })]);
  expect(book.queries.asOf(order, [0, 1])).toBe("2026-03-01T00:00:00.030Z");
});
