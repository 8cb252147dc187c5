import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/flow/retired.ts";
import { openRetentionStation } from "../care/retention-station.ts";
import { openOrderBook, order } from "../store/order-book.ts";
import { orderEvent } from "./order-events.ts";
import { applyEach, openStation, type Station } from "./station.ts";

const counts = (station: Station) =>
  station.db
    .prepare("SELECT type, event_id AS eventId, duplicates, conflicts FROM events ORDER BY sequence")
    .all() as object[];
const tally = (station: Station, name: string) =>
  station.db.prepare("SELECT sum(value) FROM tallies WHERE name = ?").pluck().get(name) ?? 0;

/** Events of one order, of all types, that share a few ids and times; some tell of a failure or of another place. */
const anyDeliveries = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "OrderCreated",
        "PaymentProcessed",
        "InventoryReserved",
        "ShippingCalculated",
        "LoyaltyPointsUpdated",
      ),
      fc.constantFrom("1", "2", "3"),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
    ),
    { minLength: 3, maxLength: 10 },
  )
  .map((events) =>
    events.map(([type, eventId, second, isBad], index) => {
      const bad = { PaymentProcessed: { status: "failed" }, InventoryReserved: { warehouseId: "east" } }[type as never];
      return orderEvent(index + 1, "o", type as "OrderCreated", { second, eventId, ...(isBad ? bad : {}) });
    }),
  );

describe("ids of different event types", () => {
  it.each([["PaymentProcessed", "InventoryReserved"] as const, ["InventoryReserved", "PaymentProcessed"] as const])(
    "do not meet: %s and %s under one id both count",
    (first, second) => {
      using station = openStation();
      applyEach(station, [
        orderEvent(1, "o", first, { second: 1, eventId: "1" }),
        orderEvent(2, "o", second, { second: 2, eventId: "1" }),
        orderEvent(3, "o", "LoyaltyPointsUpdated", { second: 3, eventId: "1" }),
        orderEvent(4, "o", second, { second: 2, eventId: "1" }),
      ]);
      expect(station.row("o")).toMatchObject({ state: "confirmed", events: 3 });
      expect(station.decisions("o")).toMatchObject([{ causationId: "1", basedOn: ["1", "1"] }]);
      expect(counts(station)).toMatchObject([{ duplicates: 0 }, { type: second, duplicates: 1 }, { duplicates: 0 }]);
    },
  );

  it("so that who may publish loyalty events only cannot make a payment disappear", () => {
    using station = openStation();
    const failed = { eventId: undefined, status: "failed" };
    const payment = orderEvent(2, "o", "PaymentProcessed", { second: 2, ...failed });
    const { eventId: _, ...body } = JSON.parse(Buffer.from(payment.body).toString());
    const names = Object.keys(body).sort();
    const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, body[name]])));
    const forged = createHash("sha256").update(canonical).digest("hex");
    applyEach(station, [orderEvent(1, "o", "LoyaltyPointsUpdated", { second: 1, eventId: forged }), payment]);
    expect(counts(station)).toMatchObject([{ eventId: forged }, { eventId: forged }]);
    expect(station.row("o")).toMatchObject({ state: "payment_failed" });
  });

  it("lead each decision back to the event that caused it", () => {
    using book = openOrderBook();
    applyEach(book, [
      orderEvent(1, "o", "PaymentProcessed", { second: 1, eventId: "1" }),
      orderEvent(2, "o", "InventoryReserved", { second: 2, eventId: "1" }),
      orderEvent(3, "o", "ShippingCalculated", { second: 3, eventId: "1", estimatedDays: 9 }),
      orderEvent(4, "o", "LoyaltyPointsUpdated", { second: 4, eventId: "1" }),
    ]);
    const revisions = book.answers.steps(order, "o")?.steps.map(({ decisions }) => decisions.map((d) => d.revision));
    expect(revisions).toEqual([[], [1], [2], []]);
  });

  it("make no store that is derived anew say more than what was published", () => {
    fc.assert(
      fc.property(anyDeliveries, (deliveries) => {
        using first = openStation();
        applyEach(first, deliveries);
        const payloads = first.db.prepare("SELECT payload FROM decisions ORDER BY revision").pluck().all() as string[];
        using again = openStation();
        for (const [index, payload] of payloads.entries()) {
          const found = { revision: index + 1, sequence: index + 1, payload, pastTo: deliveries.length };
          again.journal.learnDecision(orderEvent(1, "o", "OrderCreated", 1).lane, "o", found);
        }
        applyEach(again, deliveries);
        expect(again.db.prepare("SELECT payload FROM decisions ORDER BY revision").pluck().all()).toEqual(payloads);
        expect(again.db.prepare("SELECT count(*) FROM decisions WHERE published IS NULL").pluck().get()).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it("one that fails is forgotten alone", () => {
    using station = openStation();
    applyEach(station, [orderEvent(1, "o", "PaymentProcessed", { second: 1, eventId: "1" })]);
    const actor = station.actors.find(orderEvent(1, "o", "PaymentProcessed", 1).lane, "o", 0);
    station.journal.forgetEvent(actor, { type: "InventoryReserved", eventId: "1" });
    station.journal.markOutcome(
      actor,
      { type: "InventoryReserved", eventId: "1" },
      { outcome: "superseded", replayed: 0 },
    );
    expect(station.db.prepare("SELECT outcome FROM events").pluck().all()).toEqual(["applied"]);
  });
});

describe("the same id of one event type with other content", () => {
  it("is a conflict: the first heard counts, and it is counted and shown", () => {
    using book = openOrderBook();
    const [first, again, other, later] = [{}, {}, { status: "failed" }, {}].map((fields, index) =>
      orderEvent(index + 1, "o", "PaymentProcessed", { second: index === 3 ? 9 : 1, eventId: "p", ...fields }),
    );
    const outcomes = [first, again, other, later].flatMap((delivery) =>
      delivery === undefined ? [] : book.processor.apply([delivery]).handled.map(({ outcome }) => outcome),
    );
    expect(outcomes).toEqual(["applied", "duplicate", "conflict", "conflict"]);
    expect(counts(book)).toMatchObject([{ duplicates: 1, conflicts: 2 }]);
    expect([tally(book, "events:duplicate"), tally(book, "events:conflict")]).toEqual([1, 2]);
    expect(book.queries.stats(order).events).toMatchObject({ applied: 1, duplicate: 1, conflict: 2 });
    expect(book.answers.history(order, "o")?.events).toMatchObject([
      { duplicates: 1, conflicts: 2, data: { status: "successful" }, timestamp: "2026-02-01T00:00:01.000Z" },
    ]);
  });

  it("is none when only the order of names or what is no content differs", () => {
    using station = openStation();
    const items = { "sku-1": 2, "sku-2": 1 };
    const reversed = Object.fromEntries(Object.entries(items).reverse());
    applyEach(station, [
      orderEvent(1, "o", "InventoryReserved", { second: 1, reservedItems: items, correlationId: "a" }),
      orderEvent(2, "o", "InventoryReserved", { second: 1, reservedItems: reversed, correlationId: "b", extra: 1 }),
      orderEvent(3, "o", "InventoryReserved", {
        second: 1,
        reservedItems: items,
        timestamp: "2026-02-01T01:00:01.0+01:00",
      }),
    ]);
    expect(counts(station)).toMatchObject([{ duplicates: 2, conflicts: 0 }]);
  });
});

describe("a retired order", () => {
  const story = [
    orderEvent(1, "o", "PaymentProcessed", { second: 1, eventId: "1" }),
    orderEvent(2, "o", "InventoryReserved", { second: 2, eventId: "1" }),
    orderEvent(3, "o", "ShippingCalculated", { second: 3, eventId: "s" }),
  ];
  const late = orderEvent(200_000_000, "o", "ShippingCalculated", { second: 9, eventId: "late" });

  it("whose events share an id is known again, and not when one of them is missing", () => {
    for (const missing of [0, 1]) {
      using station = openRetentionStation();
      station.take(...story);
      station.passTime();
      expect(station.retire()).toBe(1);
      station.orders.splice(1, missing);
      station.take(late);
      expect(station.restore("o")?.isWhole).toBe(missing === 0);
    }
  });

  it("that was retired when types were not told apart is known again", () => {
    using station = openRetentionStation();
    station.take(...story);
    station.passTime();
    station.retire();
    station.db.prepare("UPDATE retired SET digest = ?, events = 2").run(digestOf(["1", "s"]));
    station.take(late);
    expect(station.restore("o")?.isWhole).toBe(true);
    expect(station.row("o")).toMatchObject({ events: 4, state: "confirmed" });
  });
});
