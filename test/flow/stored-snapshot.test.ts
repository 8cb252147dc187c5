import { describe, expect, it } from "vitest";
import { release } from "../../src/care/release.ts";
import { orderEvent } from "./order-events.ts";
import { openStation } from "./station.ts";

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
