import { describe, expect, it } from "vitest";
import { createActor } from "xstate";
import { orderEvents } from "../../machines/order/events.ts";
import { orderMachine } from "../../machines/order/machine.ts";
import { orderSamples } from "../../machines/order/samples.ts";
import { changesBetween } from "../../src/answers/field-changes.ts";
import { STEPS_BYTES, STEPS_LIMIT } from "../../src/answers/queries.ts";
import { orderEvent } from "../flow/order-events.ts";
import { lookAt } from "../machines/order-driver.ts";
import { fill, openOrderBook, order } from "../store/order-book.ts";

/** An order of which nothing is known. */
const blank = lookAt(createActor(orderMachine));

const story = [
  orderEvent(1, "o", "PaymentProcessed", { second: 5, status: "failed" }),
  orderEvent(2, "o", "InventoryReserved", 2),
  orderEvent(3, "o", "PaymentProcessed", 9),
  orderEvent(4, "o", "PaymentProcessed", 1),
  orderEvent(5, "o", "PaymentProcessed", 9),
];

describe("the steps of an order", () => {
  it("tell for each event where it led, what it changed and which decision it caused", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    const told = book.answers.steps(order, "o");
    expect(told).toMatchObject({ orderId: "o", total: 4, initial: { state: "pending", completeness: 0 } });
    expect(told?.steps.map(({ state }) => state)).toEqual([
      "payment_failed",
      "payment_failed",
      "confirmed",
      "confirmed",
    ]);
    expect(told?.steps.map(({ event }) => [event.outcome, event.duplicates])).toEqual([
      ["applied", 0],
      ["applied", 0],
      ["applied", 1],
      ["superseded", 0],
    ]);
    expect(told?.steps.map(({ decisions }) => decisions.map(({ revision }) => revision))).toEqual([[], [1], [2], []]);
    expect(told?.steps[2]?.changes).toEqual([
      { path: "paymentInfo.status", before: "failed", after: "successful" },
      { path: "paymentInfo.processedAt", before: "2026-02-01T00:00:05.000Z", after: "2026-02-01T00:00:09.000Z" },
    ]);
    expect(told?.steps[3]?.changes).toEqual([]);
    expect(told?.steps[1]?.conclusion).toEqual({ decisionType: "OrderRejected", reason: "Payment failed" });
  });

  it("end where every order is now", () => {
    using book = openOrderBook();
    fill(book, 60);
    for (const id of book.db.prepare("SELECT id FROM actors").pluck().all() as string[]) {
      const now = book.answers.get(order, id);
      const told = book.answers.steps(order, id);
      const last = told?.steps.at(-1);
      expect(last).toMatchObject({ state: now?.processingStatus, completeness: now?.dataCompleteness });
      expect(now).toMatchObject(last?.view ?? {});
      expect(told?.steps.flatMap(({ decisions }) => decisions)).toEqual(book.answers.history(order, id)?.decisions);
    }
  });

  it("are the first ones of a history that is too long, and of one that is too large", () => {
    using book = openOrderBook();
    const long = Array.from({ length: STEPS_LIMIT + 5 }, (_, at) =>
      orderEvent(at + 1, "long", "LoyaltyPointsUpdated", at),
    );
    book.processor.apply(long);
    expect(book.answers.steps(order, "long")?.total).toBe(STEPS_LIMIT + 5);
    expect(book.answers.steps(order, "long")?.steps).toHaveLength(STEPS_LIMIT);
    const items = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`sku-${at}`.padEnd(200, "x"), 1]));
    book.processor.apply(
      Array.from({ length: 70 }, (_, at) =>
        orderEvent(at + 1000, "large", "InventoryReserved", { second: at, reservedItems: items }),
      ),
    );
    const told = book.answers.steps(order, "large");
    expect(told?.total).toBe(70);
    expect(told?.steps.length).toBeLessThan(70);
    expect(told?.steps.length).toBeGreaterThan(1);
    expect(JSON.stringify(told?.steps).length).toBeLessThan(STEPS_BYTES + 1000);
  });

  it("are those of a known order only", () => {
    using book = openOrderBook();
    expect(book.answers.steps(order, "o")).toBeUndefined();
    expect(book.answers.next(order, "o")).toBeUndefined();
  });
});

describe("what may come next", () => {
  it("is what the machine says, at any step", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    const foresee = (at?: number) =>
      book.answers
        .next(order, "o", at)
        ?.next.map(
          ({ eventType, label, state, decision }) => `${eventType} ${label}: ${state}, ${decision?.decisionType}`,
        );
    expect(foresee(0)).toContain("PaymentProcessed failed: payment_failed, undefined");
    expect(foresee(1)).toContain("InventoryReserved something reserved: payment_failed, OrderRejected");
    expect(foresee()).toEqual(foresee(4));
    expect(foresee()).toEqual(
      expect.arrayContaining([
        "PaymentProcessed failed: payment_failed, OrderRejected",
        "PaymentProcessed pending: pending, OrderDecisionWithdrawn",
        "InventoryReserved nothing reserved: pending, OrderDecisionWithdrawn",
        "LoyaltyPointsUpdated : confirmed, undefined",
      ]),
    );
  });

  it("changes nothing, neither the order nor the next guess", () => {
    using book = openOrderBook();
    book.processor.apply(story);
    const before = [book.row("o"), book.answers.next(order, "o")];
    expect([book.row("o"), book.answers.next(order, "o")]).toEqual(before);
  });

  it("what happened long ago is superseded by what is known: a second creation", () => {
    using book = openOrderBook();
    book.processor.apply([orderEvent(1, "o", "OrderCreated", 1)]);
    const [created] = book.answers.next(order, "o")?.next ?? [];
    expect(created).toMatchObject({ eventType: "OrderCreated", applies: false, changes: [], decision: null });
  });

  it("every sample is an event its contract accepts", () => {
    for (const { type, data } of orderSamples(blank)) {
      expect(orderEvents[type as keyof typeof orderEvents].parse(data)).toEqual(data);
    }
    expect(new Set(orderSamples(blank).map(({ type }) => type))).toEqual(new Set(Object.keys(orderEvents)));
  });
});

describe("changes between two views", () => {
  it.each([
    [{ a: 1 }, { a: 1 }, []],
    [null, { a: { b: 1 } }, [["a.b", null, 1]]],
    [{ a: null }, { a: {} }, [["a", null, {}]]],
    [{ a: { b: 1, c: 2 } }, { a: { c: 2 } }, [["a.b", 1, null]]],
    [{ a: [1, 2] }, { a: [2, 1] }, [["a", [1, 2], [2, 1]]]],
    [{ a: 1 }, { a: { b: 1 } }, [["a", 1, { b: 1 }]]],
  ])("%j to %j", (before, after, expected) => {
    expect(changesBetween(before, after).map((change) => [change.path, change.before, change.after])).toEqual(expected);
  });

  it("are fifty at most", () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`f${at}`, at]));
    expect(changesBetween({}, many)).toHaveLength(50);
  });
});
