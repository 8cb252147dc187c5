import { describe, expect, it } from "vitest";
import { assign, setup } from "xstate";
import { z } from "zod";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { release } from "../../src/care/release.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { openStation } from "./station.ts";

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

describe("an actor type whose machine throws", () => {
  const failing: ActorType = {
    ...(orderType as ActorType),
    events: { Fine: z.object({}), Throws: z.object({}), Puzzles: z.object({}) },
    machine: setup({ types: { context: {} as { seen: number } } }).createMachine({
      id: "failing",
      context: { seen: 0 },
      on: {
        Fine: { actions: ({ context }) => context, target: ".idle" },
        Throws: {
          actions: assign(() => {
            throw new Error("no such thing");
          }),
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
});

describe("an actor type whose rule throws", () => {
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
