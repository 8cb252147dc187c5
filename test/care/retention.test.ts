import { describe, expect, it, vi } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { release } from "../../src/care/release.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation, type RetentionStation } from "./retention-station.ts";

/** A confirmed order with two revisions, a duplicate, an event that lost and a message that is none. */
const story = () => [
  orderEvent(1, "o", "OrderCreated", 1),
  orderEvent(2, "o", "PaymentProcessed", 2, { status: "failed" }),
  orderEvent(3, "o", "InventoryReserved", 3, { correlationId: "c-1" }),
  orderEvent(4, "o", "PaymentProcessed", 4),
  orderEvent(5, "o", "PaymentProcessed", 2, { status: "failed" }),
  orderEvent(6, "o", "PaymentProcessed", 1, { status: "pending" }),
  deliver(7, "orders.o.OrderCreated", "{"),
];

/** All a store has of an order but the numbers it gives rows. */
function portrait(station: RetentionStation, id: string) {
  const { key, row_version, ...row } = station.row(id);
  const rowsOf = (table: string, order: string) =>
    station.db
      .prepare(`SELECT * FROM ${table} WHERE actor_key = ? ORDER BY ${order}`)
      .all(key)
      .map((each) => ({ ...(each as object), actor_key: 0 }));
  return { row, events: rowsOf("events", "sequence"), decisions: rowsOf("decisions", "revision") };
}

/** A store in which order `o` has been retired. */
function openRetired(): RetentionStation {
  const station = openRetentionStation();
  station.take(...story());
  station.passTime();
  expect(station.retire()).toBe(1);
  return station;
}

describe("retiring", () => {
  it("leaves of a settled order nothing but what it takes to know it again", () => {
    using station = openRetired();
    expect(station.row("o")).toBeUndefined();
    expect([station.count("actors"), station.count("events"), station.count("decisions")]).toEqual([1, 1, 0]);
    expect(station.rows.find("order", "o")).toMatchObject({
      partition: 3,
      sequence: 86_400_007,
      events: 5,
      revision: 2,
      updatedAtMs: orderEvent(6, "o", "OrderCreated", 1).storedAtMs,
      retiredAtMs: orderEvent(86_400_007, "o", "OrderCreated", 1).storedAtMs,
      status: "kept",
    });
    expect(station.tallies()).toMatchObject({ retired: 1, "state:processing": 1, "completeness:20": 1 });
    expect(Object.keys(station.tallies()).filter((name) => /confirmed|standing/.test(name))).toEqual([]);
    expect(station.tallies()["events:applied"]).toBe(5);
  });

  it("leaves alone who is undecided, young, unpublished, in quarantine, in another lane, or has decisions to come", () => {
    using station = openRetentionStation();
    const decided = (at: number, id: string) => [
      orderEvent(at, id, "PaymentProcessed", 1, { status: "failed" }),
      orderEvent(at + 1, id, "InventoryReserved", 2),
    ];
    station.take(orderEvent(1, "undecided", "OrderCreated", 1), ...decided(2, "quarantined"), ...decided(4, "ahead"));
    station.take(...decided(6, "withdrawn"), orderEvent(8, "withdrawn", "PaymentProcessed", 3, { status: "pending" }));
    station.take(...decided(86_399_000, "settled"));
    station.processor.apply(decided(86_399_002, "unpublished"));
    station.take(...decided(86_400_500, "young"), orderEvent(86_401_000, "clock", "OrderCreated", 1));
    station.journal.quarantine({
      type: "order",
      actorId: "quarantined",
      partition: 3,
      eventType: "X",
      error: "",
      sinceMs: 1,
    });
    station.journal.learnDecision(orderLane, "ahead", { revision: 2, payload: "{}", sequence: 99, pastTo: 0 });
    station.db.exec("UPDATE decisions SET published = NULL WHERE actor_id = 'unpublished'");
    expect(station.retire([{ ...orderLane, partition: 4 }])).toBe(0);
    expect(station.retire()).toBe(1);
    const left = station.db.prepare("SELECT id FROM actors ORDER BY id").pluck().all();
    expect(left).toEqual(["ahead", "clock", "quarantined", "undecided", "unpublished", "withdrawn", "young"]);
  });

  it("goes by stream time: where nothing happens nobody is retired, whatever the clock says", () => {
    using station = openRetentionStation();
    station.take(...story());
    vi.useFakeTimers({ now: Date.parse("2099-01-01T00:00:00Z"), toFake: ["Date"] });
    try {
      expect(station.retire()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("comes to every order that is due in steps of bounded size, past any number of others", () => {
    using station = openRetentionStation();
    const undecided = Array.from({ length: 450 }, (_, index) => orderEvent(index + 1, `u${index}`, "OrderCreated", 1));
    const settled = Array.from({ length: 450 }, (_, index) => [
      orderEvent(1000 + 2 * index, `s${index}`, "PaymentProcessed", 1, { status: "failed" }),
      orderEvent(1001 + 2 * index, `s${index}`, "InventoryReserved", 2),
    ]);
    station.take(...undecided, ...settled.flat());
    station.passTime();
    const steps: number[] = [];
    for (;;) {
      const { retired, hasMore } = station.retirement.step(orderLane.type, [orderLane], 1000);
      steps.push(retired);
      if (!hasMore) break;
    }
    expect(steps.reduce((sum, retired) => sum + retired, 0)).toBe(450);
    expect(Math.max(...steps)).toBeLessThanOrEqual(100);
    expect(station.count("actors")).toBe(451);
    expect(station.count("retired")).toBe(450);
  });

  it("a step that cannot be committed leaves everything as it was, and is taken again", () => {
    using station = openRetentionStation();
    station.take(...story());
    station.passTime();
    const before = portrait(station, "o");
    const full = vi.spyOn(station.journal, "addTally").mockImplementation(() => {
      throw new Error("disk full");
    });
    expect(() => station.retire()).toThrow("disk full");
    full.mockRestore();
    expect(portrait(station, "o")).toEqual(before);
    expect(station.count("retired")).toBe(0);
    expect(station.retire()).toBe(1);
  });
});

describe("a late event", () => {
  it("brings the order back as it was, to the byte, and the next revision follows", () => {
    using never = openRetentionStation();
    using station = openRetentionStation();
    for (const each of [never, station]) {
      each.take(...story());
      each.passTime();
    }
    const before = portrait(station, "o");
    const tallies = station.tallies();
    station.retire();
    const late = () => orderEvent(90_000_000, "o", "ShippingCalculated", 9, { estimatedDays: 2 });
    expect(station.take(late()).handled.map(({ outcome }) => outcome)).toEqual(["parked"]);
    expect(station.rows.wanted("order", "", 10)).toMatchObject([{ actorId: "o", status: "wanted" }]);

    const row = station.rows.find("order", "o");
    const past = row && station.restoration.recognise(row, station.history("o", row.sequence));
    if (past === undefined) throw new Error("not recognised");
    // Without the late event: as it was.
    const parked = station.journal.takeParked("order", "o");
    station.restoration.bringBack(orderLane, "o", past);
    expect(portrait(station, "o")).toEqual(before);
    expect(station.tallies()).toEqual({ ...tallies, "events:parked": 1 });
    expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
    expect([station.count("retired"), station.count("imported_decisions"), parked.length]).toEqual([0, 0, 1]);

    // And from there on as if it had never been away.
    station.take(orderEvent(90_000_001, "o", "ShippingCalculated", 9, { estimatedDays: 2 }));
    never.take(orderEvent(90_000_001, "o", "ShippingCalculated", 9, { estimatedDays: 2 }));
    expect(portrait(station, "o")).toEqual(portrait(never, "o"));
    expect(station.decided).toEqual(never.decided);
    expect(station.decided.at(-1)?.decision.revision).toBe(3);
  });

  it("with others in one batch, and one that comes while the streams are read: all are applied in their order, once", () => {
    using station = openRetired();
    station.take(
      orderEvent(90_000_000, "o", "ShippingCalculated", 9, { estimatedDays: 2 }),
      orderEvent(90_000_001, "o", "ShippingCalculated", 10, { estimatedDays: 7 }),
    );
    const row = station.rows.find("order", "o");
    const past = row && station.restoration.recognise(row, station.history("o", row.sequence));
    station.take(orderEvent(90_000_002, "o", "LoyaltyPointsUpdated", 11));
    if (past === undefined) throw new Error("not recognised");
    const result = station.restoration.bringBack(orderLane, "o", past);
    expect(result?.handled.map(({ delivery, outcome }) => [delivery.sequence, outcome])).toEqual([
      [90_000_000, "applied"],
      [90_000_001, "applied"],
      [90_000_002, "applied"],
    ]);
    expect(result?.decisions.map(({ revision }) => revision)).toEqual([3, 4]);
    expect(station.row("o")).toMatchObject({ events: 8, revision: 4, completeness: 100 });
    expect(station.count("parked")).toBe(0);
    expect(station.restoration.bringBack(orderLane, "o", past)).toBeUndefined();
  });

  it("that is a duplicate of an old one is recognised as one", () => {
    using station = openRetired();
    station.take(orderEvent(90_000_000, "o", "InventoryReserved", 3, { correlationId: "c-1" }));
    expect(station.restore("o")?.result.handled).toMatchObject([{ outcome: "duplicate" }]);
    expect(station.row("o")).toMatchObject({ events: 5, revision: 2 });
    expect(station.tallies()).toMatchObject({ "events:duplicate": 2, "events:parked": 1 });
  });

  it("that is no event at all is dead-lettered for what it is, and brings nobody back", () => {
    using station = openRetired();
    expect(station.take(deliver(90_000_000, "orders.o.OrderCreated", "{")).deadLetters).toMatchObject([
      { reason: "malformed_json" },
    ]);
    expect(station.rows.find("order", "o")?.status).toBe("kept");
  });

  it("a rule that has changed since says nothing about the past, only about what follows", () => {
    using station = openRetired();
    const stricter: ActorType = {
      ...(orderType as ActorType),
      conclude(context) {
        const conclusion = orderType.conclude(context as Parameters<typeof orderType.conclude>[0]);
        return { ...conclusion, content: conclusion.content && { ...conclusion.content, reason: "new rule" } };
      },
    };
    const lane: Lane = { ...orderLane, type: stricter };
    station.processor.apply([orderEvent(90_000_000, "o", "OrderCreated", 1, {}, lane)]);
    const row = station.rows.find("order", "o");
    const past = row && station.restoration.recognise(row, station.history("o", row.sequence));
    if (past === undefined) throw new Error("not recognised");
    const asDeliveries = { ...past, deliveries: past.deliveries.map((each) => ({ ...each, lane })) };
    expect(station.restoration.bringBack(lane, "o", asDeliveries)?.decisions).toEqual([]);
    station.processor.apply([orderEvent(90_000_001, "o", "ShippingCalculated", 20, {}, lane)]);
    expect(station.decisions("o").at(-1)).toMatchObject({ revision: 3, supersedes: 2, reason: "new rule" });
  });
});

describe("an order the streams no longer have", () => {
  const late = (sequence: number) => orderEvent(sequence, "o", "ShippingCalculated", sequence - 89_999_990);

  it.each<[string, (station: RetentionStation) => void]>([
    ["its first event", (station) => station.orders.splice(0, 1)],
    ["its last event", (station) => station.orders.splice(5, 1)],
    ["all of them", (station) => station.orders.splice(0, 7)],
    ["its first revision", (station) => station.decided.splice(0, 1)],
    ["its latest revision", (station) => station.decided.splice(1, 1)],
  ])("%s is gone: its late events are dead letters, now and later, and nothing of it comes back", (_what, lose) => {
    using station = openRetired();
    lose(station);
    station.take(late(90_000_000), late(90_000_001));
    const found = station.restore("o");
    expect(found?.isWhole).toBe(false);
    const expected = { reason: "actor_retired", error: expect.stringContaining("order o was retired at revision 2") };
    expect(found?.result.deadLetters).toMatchObject([
      { ...expected, sequence: 90_000_000 },
      { ...expected, sequence: 90_000_001 },
    ]);
    expect(station.take(late(90_000_002)).deadLetters).toMatchObject([expected]);
    expect([station.count("actors"), station.count("parked")]).toEqual([1, 0]);
    expect(station.rows.find("order", "o")?.status).toBe("lost");
    expect(station.restore("o")?.isWhole).toBeUndefined();
    expect(station.tallies()).toMatchObject({ retired: 1, "dead:actor_retired": 3 });
  });

  it("another event in the place of one of its own does not make it whole", () => {
    using station = openRetired();
    station.orders.splice(0, 1, orderEvent(1, "o", "OrderCreated", 77));
    station.take(late(90_000_000));
    expect(station.restore("o")?.isWhole).toBe(false);
  });
});

describe("a stream that is read again from its first message", () => {
  it.each([
    ["with other sequences", 1000],
    ["with the same", 0],
  ])("%s: the order is recognised by its events, comes back once, and nothing is published twice", (_what, shift) => {
    using station = openRetired();
    const row = station.rows.find("order", "o");
    station.db.exec("UPDATE checkpoints SET sequence = 0; UPDATE retired SET sequence = 0");
    const again = story().map((each) => ({ ...each, sequence: each.sequence + shift }));
    station.orders.splice(0, 7);
    expect(station.take(...again).handled.map(({ outcome }) => outcome)).toEqual([
      ...Array(6).fill("parked"),
      "rejected",
    ]);
    const found = station.restore("o");
    expect(found?.isWhole).toBe(true);
    expect(found?.result.handled.every(({ outcome }) => outcome === "skipped" || outcome === "duplicate")).toBe(true);
    expect(station.row("o")).toMatchObject({ events: row?.events, revision: row?.revision });
    expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
  });
});

describe("a machine that fails on the past", () => {
  it("the order is quarantined instead, and released after a fix it is as it was", () => {
    using station = openRetired();
    let isBroken = true;
    const failing: ActorType = {
      ...(orderType as ActorType),
      conclude(context) {
        const facets = context as Parameters<typeof orderType.conclude>[0];
        if (isBroken && orderType.completeness(facets) >= 60) throw new Error("puzzled");
        return orderType.conclude(facets);
      },
    };
    const lane: Lane = { ...orderLane, type: failing };
    station.orders.push(orderEvent(90_000_000, "o", "ShippingCalculated", 9, { estimatedDays: 2 }, lane));
    station.processor.apply(station.orders.slice(-1));
    const row = station.rows.find("order", "o");
    const past = row && station.restoration.recognise(row, station.history("o", row.sequence));
    if (past === undefined) throw new Error("not recognised");
    const deliveries = past.deliveries.map((each) => ({ ...each, lane }));
    const result = station.restoration.bringBack(lane, "o", { ...past, deliveries });
    expect(result?.deadLetters).toMatchObject([{ reason: "machine_error" }]);
    expect(station.journal.isQuarantined("order", "o")).toBe(true);
    isBroken = false;
    release(station.journal, station.processor, lane, "o");
    station.publish();
    expect(station.row("o")).toMatchObject({ events: 6, revision: 3, state: "confirmed" });
    expect(station.decided.map(({ decision }) => decision.revision)).toEqual([1, 2, 3]);
    expect(station.decisions("o").map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });
});
