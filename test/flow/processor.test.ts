import { describe, expect, it, vi } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { release } from "../../src/care/release.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import type { Lane } from "../../src/wire/lanes.ts";
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

describe("a stored snapshot that cannot be used", () => {
  it.each([
    ["has a flipped bit", "UPDATE actors SET snapshot = replace(snapshot, 'failed', 'falled')"],
    ["is null", "UPDATE actors SET snapshot = 'null', checksum = 3634469936"],
    ["is of another machine version", "UPDATE actors SET machine_version = 99"],
  ])("%s: the order is rebuilt from its events, never started fresh", (_name, damage) => {
    using station = openStation();
    station.processor.apply([orderEvent(1, "o", "PaymentProcessed", { second: 1, status: "failed" })]);
    station.db.exec(damage);
    station.actors.evict(orderEvent(1, "o", "OrderCreated", 1).lane, "o");
    station.processor.apply([orderEvent(2, "o", "InventoryReserved", 2)]);
    expect(station.rebuilt).toEqual(["order/o"]);
    expect(station.row("o")).toMatchObject({ state: "payment_failed", events: 2 });
    expect(station.decisions("o")).toMatchObject([{ decisionType: "OrderRejected", revision: 1 }]);
  });

  it("names a state the machine does not have: rebuilt too", () => {
    using station = openStation();
    station.processor.apply([orderEvent(1, "o", "PaymentProcessed", { second: 1, status: "failed" })]);
    const snapshot = (station.row("o").snapshot as string).replace('"payment_failed"', '"lost"');
    const { crc32 } = process.getBuiltinModule("node:zlib");
    station.db.prepare("UPDATE actors SET snapshot = ?, checksum = ?").run(snapshot, crc32(snapshot));
    station.actors.evict(orderEvent(1, "o", "OrderCreated", 1).lane, "o");
    station.processor.apply([orderEvent(2, "o", "InventoryReserved", 2)]);
    expect(station.row("o")).toMatchObject({ state: "payment_failed", events: 2 });
  });

  it("is one of an older machine: made anew, and a decision that no longer follows is withdrawn with the next event", () => {
    using station = openStation();
    station.processor.apply([orderEvent(1, "o", "PaymentProcessed", 1), orderEvent(2, "o", "InventoryReserved", 2)]);
    station.db.exec(`UPDATE actors SET machine_version = 1;
      UPDATE events SET body = replace(body, '"sku-1":2', '"sku-1":0')`);
    station.actors.evict(orderEvent(1, "o", "OrderCreated", 1).lane, "o");
    expect(station.row("o")).toMatchObject({ state: "confirmed", decision_type: "OrderConfirmed" });
    station.processor.apply([orderEvent(3, "o", "LoyaltyPointsUpdated", 3)]);
    expect(station.row("o")).toMatchObject({ state: "pending", decision_type: null, machine_version: 2 });
    expect(station.decisions("o")).toMatchObject([{ revision: 1 }, { decisionType: "OrderDecisionWithdrawn" }]);
  });

  it("nor can its events: its order is quarantined, the others flow; released after a mend it goes on", () => {
    using station = openStation();
    const { lane } = orderEvent(1, "o", "OrderCreated", 1);
    station.processor.apply([orderEvent(1, "o", "PaymentProcessed", 1)]);
    const [body] = station.db.prepare("SELECT body FROM events").pluck().all();
    station.db.exec("UPDATE actors SET machine_version = 0; UPDATE events SET body = '{'");
    station.actors.evict(lane, "o");
    const events = [orderEvent(2, "o", "InventoryReserved", 2), orderEvent(3, "fine", "PaymentProcessed", 3)];
    const { handled } = station.processor.apply(events);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected).toMatchObject({ reason: "machine_error" });
    expect(handled[0]?.rejected?.error).toMatch(/stored event \S+ cannot be replayed: /);
    station.db.prepare("UPDATE events SET body = ? WHERE sequence = 1").run(body);
    expect(release(station.journal, station.processor, lane, "o")?.handled.map(({ outcome }) => outcome)).toEqual([
      "applied",
    ]);
    expect(station.row("o")).toMatchObject({ state: "confirmed", events: 2 });
  });
});

describe("an actor type that fails", () => {
  const failing: ActorType = {
    ...(orderType as ActorType),
    events: { Fine: z.object({}), Throws: z.object({}), Puzzles: z.object({}) },
    machine: setup({ types: { context: {} as { seen: number } } }).createMachine({
      id: "failing",
      context: { seen: 0 },
      on: {
        Fine: { actions: ({ context }) => context, target: ".idle" },
        Throws: {
          actions: () => {
            throw new Error("no such thing");
          },
        },
      },
      initial: "idle",
      states: { idle: {} },
    }),
    conclude: () => ({ content: null, basedOn: [], decidedAt: null }),
    completeness: () => 0,
  };
  const lane: Lane = { type: failing, stream: "ORDERS", partition: 3 };
  const event = (sequence: number, eventType: string) =>
    deliver(
      sequence,
      `orders.o.${eventType}`,
      { orderId: "o", eventType, timestamp: "2026-02-01T00:00:00Z" },
      { lane },
    );

  it("a machine that throws: the event is a dead letter, its order is quarantined, all others flow", () => {
    using station = openStation();
    const other = deliver(
      4,
      "orders.p.Fine",
      { orderId: "p", eventType: "Fine", timestamp: "2026-02-01T00:00:00Z" },
      { lane },
    );
    const result = station.processor.apply([event(1, "Fine"), event(2, "Throws"), event(3, "Fine"), other]);
    expect(result.handled.map(({ outcome }) => outcome)).toEqual(["superseded", "rejected", "parked", "superseded"]);
    expect(result.deadLetters).toMatchObject([
      { reason: "machine_error", error: "order machine failed on Throws: no such thing" },
    ]);
    expect(station.db.prepare("SELECT count(*) FROM events").pluck().get()).toBe(2);
    expect(station.processor.apply([event(5, "Puzzles")]).handled[0]?.outcome).toBe("parked");
  });

  /** A lane of orders whose rule throws until it is mended. */
  function openBroken(): { own: Lane; mend(): void } {
    let broken = true;
    const type: ActorType = {
      ...(orderType as ActorType),
      conclude(context) {
        if (broken) throw new Error("puzzled");
        return orderType.conclude(context as Parameters<typeof orderType.conclude>[0]);
      },
    };
    const mend = () => {
      broken = false;
    };
    return { own: { type, stream: "ORDERS", partition: 3 }, mend };
  }

  it("released after a fix, its events are replayed in stream order; released before it, it is quarantined again", () => {
    using station = openStation();
    const { own, mend } = openBroken();
    const { deadLetters } = station.processor.apply([
      orderEvent(1, "o", "PaymentProcessed", { second: 1, status: "failed", lane: own }),
      orderEvent(2, "o", "InventoryReserved", { second: 2, lane: own }),
      orderEvent(3, "o", "PaymentProcessed", { second: 3, lane: own }),
    ]);
    expect(deadLetters).toHaveLength(1);
    expect(release(station.journal, station.processor, own, "nobody")).toBeUndefined();
    const again = release(station.journal, station.processor, own, "o");
    expect(again?.handled.map(({ outcome }) => outcome)).toEqual(["rejected", "parked", "parked"]);
    expect(again?.deadLetters).toEqual([]);
    mend();
    expect(release(station.journal, station.processor, own, "o")?.handled.map(({ outcome }) => outcome)).toEqual(
      Array(3).fill("applied"),
    );
    expect(station.decisions("o")).toMatchObject([
      { decisionType: "OrderRejected" },
      { decisionType: "OrderConfirmed" },
    ]);
    expect(station.db.prepare("SELECT value FROM tallies WHERE name = 'quarantined'").pluck().get()).toBe(0);
    expect(
      station.processor.apply([orderEvent(4, "o", "OrderCreated", { second: 0, lane: own })]).handled[0]?.outcome,
    ).toBe("applied");
  });

  it("what was kept back of a former stream, and what has its sequence in the new one, are both applied", () => {
    using station = openStation();
    const { own, mend } = openBroken();
    station.processor.apply([
      orderEvent(1, "o", "InventoryReserved", { second: 1, lane: own }),
      orderEvent(2, "o", "OrderCreated", { second: 2, lane: own }),
    ]);
    const records = createLaneRecords(station.db);
    records.saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
    records.forgetStream("ORDERS", { partitions: 16, partitionOf: () => 3 });
    const later = orderEvent(2, "o", "PaymentProcessed", { second: 3, lane: own });
    station.processor.apply([{ ...later, storedAtMs: later.storedAtMs + 60_000 }]);
    mend();
    const released = release(station.journal, station.processor, own, "o");
    expect(released?.handled.map(({ outcome }) => outcome)).toEqual(Array(3).fill("applied"));
    expect(station.row("o")).toMatchObject({ events: 3, completeness: 60 });
  });

  it("a rule that throws leaves the actor as it was", () => {
    using station = openStation();
    const { own, mend } = openBroken();
    const { deadLetters } = station.processor.apply([orderEvent(1, "o", "PaymentProcessed", { second: 1, lane: own })]);
    expect(deadLetters).toMatchObject([{ reason: "machine_error" }]);
    mend();
    expect(station.row("o")).toBeUndefined();
    release(station.journal, station.processor, own, "o");
    expect(station.row("o")).toMatchObject({ state: "pending", completeness: 20, events: 1 });
  });
});
