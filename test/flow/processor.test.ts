import { describe, expect, it, vi } from "vitest";
import { deliver } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { applyEach, openStation } from "./station.ts";

describe("one order", () => {
  it("the article's out-of-order events are decided once, on what is known then", () => {
    using station = openStation();
    applyEach(station, [
      orderEvent(1, "o", "PaymentProcessed", 3),
      orderEvent(2, "o", "ShippingCalculated", 4),
      orderEvent(3, "o", "OrderCreated", 1),
      orderEvent(4, "o", "InventoryReserved", 2),
    ]);
    expect(station.row("o")).toMatchObject({ state: "confirmed", completeness: 80, events: 4, revision: 1 });
    expect(station.decisions("o")).toEqual([
      {
        decisionType: "OrderConfirmed",
        orderId: "o",
        revision: 1,
        supersedes: null,
        decidedAt: "2026-02-01T00:00:04.000Z",
        warehouseId: "warehouse-west",
        estimatedDays: 3,
        dataCompleteness: 80,
        basedOn: ["PaymentProcessed-3", "InventoryReserved-2", "ShippingCalculated-4"],
        causationId: "InventoryReserved-2",
        correlationId: null,
      },
    ]);
  });

  it("the same event id again has no effect, however far apart, but is counted", () => {
    using station = openStation();
    applyEach(
      station,
      [1, 2, 500].map((sequence) => orderEvent(sequence, "o", "OrderCreated", 1)),
    );
    station.actors.evict(orderEvent(1, "o", "OrderCreated", 1).lane, "o");
    const [handled] = station.processor.apply([orderEvent(900, "o", "OrderCreated", 1)]).handled;
    expect(handled?.outcome).toBe("duplicate");
    expect(station.row("o")).toMatchObject({ events: 1, row_version: 1 });
    expect(station.db.prepare("SELECT duplicates FROM events").pluck().all()).toEqual([3]);
  });

  it("a decision is revised when its content changes, withdrawn when nothing follows, and said anew after that", () => {
    using station = openStation();
    applyEach(station, [
      orderEvent(1, "o", "PaymentProcessed", { second: 1, status: "failed" }),
      orderEvent(2, "o", "InventoryReserved", 2),
      orderEvent(3, "o", "PaymentProcessed", 3),
      orderEvent(4, "o", "ShippingCalculated", { second: 4, estimatedDays: 5 }),
      orderEvent(5, "o", "PaymentProcessed", { second: 5, status: "pending" }),
      orderEvent(6, "o", "PaymentProcessed", { second: 2, status: "failed" }),
      orderEvent(7, "o", "PaymentProcessed", 7),
    ]);
    const told = station
      .decisions("o")
      .map(({ decisionType, revision, supersedes }) => [decisionType, revision, supersedes]);
    expect(told).toEqual([
      ["OrderRejected", 1, null],
      ["OrderConfirmed", 2, 1],
      ["OrderDecisionWithdrawn", 3, 2],
      ["OrderConfirmed", 4, 3],
    ]);
    const outcomes = station.db.prepare("SELECT outcome FROM events ORDER BY sequence").pluck().all();
    expect(outcomes[5]).toBe("superseded");
  });
});

describe("one batch", () => {
  it("deliveries at or below the checkpoint are skipped", () => {
    using station = openStation();
    station.processor.apply([orderEvent(5, "o", "OrderCreated", 1)]);
    const { handled } = station.processor.apply([
      orderEvent(4, "o", "PaymentProcessed", 1),
      orderEvent(5, "o", "OrderCreated", 1),
      orderEvent(6, "o", "InventoryReserved", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["skipped", "skipped", "applied"]);
    expect(station.row("o").events).toBe(2);
  });

  it("one batch or many give the same rows", () => {
    const events = () => [
      orderEvent(1, "a", "PaymentProcessed", 1),
      orderEvent(2, "b", "OrderCreated", 1),
      deliver(3, "orders.a.Nonsense", "{"),
      orderEvent(4, "a", "InventoryReserved", 2),
      orderEvent(5, "a", "PaymentProcessed", 1),
      orderEvent(6, "b", "PaymentProcessed", { second: 9, status: "failed" }),
    ];
    using together = openStation();
    using apart = openStation();
    together.processor.apply(events());
    applyEach(apart, events());
    for (const table of ["events", "decisions", "dead_letters", "checkpoints", "tallies WHERE value <> 0"]) {
      const rows = (station: typeof apart) => station.db.prepare(`SELECT * FROM ${table}`).all();
      expect(rows(together), table).toEqual(rows(apart));
    }
    expect(together.row("a").snapshot).toBe(apart.row("a").snapshot);
  });

  it("a commit that fails leaves nothing behind, in the store or in memory, and succeeds when repeated", () => {
    using station = openStation();
    station.processor.apply([orderEvent(1, "o", "PaymentProcessed", 1)]);
    const batch = [orderEvent(2, "o", "InventoryReserved", 2), orderEvent(3, "p", "OrderCreated", 2)];
    const full = vi.spyOn(station.journal, "saveCheckpoint").mockImplementation(() => {
      throw new Error("disk full");
    });
    expect(() => station.processor.apply(batch)).toThrow("disk full");
    expect(station.row("o")).toMatchObject({ events: 1, revision: 0 });
    expect(station.row("p")).toBeUndefined();
    full.mockRestore();
    expect(station.processor.apply(batch).decisions).toHaveLength(1);
    expect(station.row("o")).toMatchObject({ events: 2, revision: 1, state: "confirmed" });
    expect(station.db.prepare("SELECT value FROM tallies WHERE name = 'state:confirmed'").pluck().get()).toBe(1);
  });

  it("a delivery that can never succeed is kept whole and the next one is unaffected", () => {
    using station = openStation();
    const bytes = new Uint8Array([0, 255, 1]);
    const result = station.processor.apply([
      deliver(1, "orders.o.OrderCreated", bytes, { headers: { "Nats-Msg-Id": "m" } }),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(result.deadLetters).toMatchObject([
      { sequence: 1, subject: "orders.3.o.OrderCreated", reason: "malformed_json", headers: '[["Nats-Msg-Id","m"]]' },
    ]);
    expect(result.deadLetters[0]?.body).toEqual(bytes);
    expect(station.row("o").events).toBe(1);
  });

  it("a row changed by another process is noticed before anything is written over it", () => {
    using station = openStation();
    station.processor.apply([orderEvent(1, "o", "OrderCreated", 1)]);
    station.db.exec("UPDATE actors SET row_version = 7");
    expect(() => station.processor.apply([orderEvent(2, "o", "PaymentProcessed", 1)])).toThrow(/another process/);
    expect(() => station.processor.apply([orderEvent(2, "o", "PaymentProcessed", 1)])).not.toThrow();
  });
});
