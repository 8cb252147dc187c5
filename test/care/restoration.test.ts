import { describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { release } from "../../src/care/release.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation, type RetentionStation } from "./retention-station.ts";
import { openRetired, portrait, story } from "./retired-order.ts";

it("a late event brings the order back as it was, to the byte, and the next revision follows", () => {
  using never = openRetentionStation();
  using station = openRetentionStation();
  for (const each of [never, station]) {
    // The event that caused the second revision comes once more.
    each.take(...story(), orderEvent(8, "o", "PaymentProcessed", 4));
    each.passTime();
  }
  const before = portrait(station, "o");
  const tallies = station.tallies();
  station.retire();
  const late = () => orderEvent(90_000_000, "o", "ShippingCalculated", { second: 9, estimatedDays: 2 });
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
  station.take(orderEvent(90_000_001, "o", "ShippingCalculated", { second: 9, estimatedDays: 2 }));
  never.take(orderEvent(90_000_001, "o", "ShippingCalculated", { second: 9, estimatedDays: 2 }));
  expect(portrait(station, "o")).toEqual(portrait(never, "o"));
  expect(station.decided).toEqual(never.decided);
  expect(station.decided.at(-1)?.decision.revision).toBe(3);
});

it("a late event with others in one batch, and one that comes while the streams are read: all are applied in their order, once", () => {
  using station = openRetired();
  station.take(
    orderEvent(90_000_000, "o", "ShippingCalculated", { second: 9, estimatedDays: 2 }),
    orderEvent(90_000_001, "o", "ShippingCalculated", { second: 10, estimatedDays: 7 }),
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

it("a late event that is a duplicate of an old one is recognised as one", () => {
  using station = openRetired();
  station.take(orderEvent(90_000_000, "o", "InventoryReserved", { second: 3, correlationId: "c-1" }));
  expect(station.restore("o")?.result.handled).toMatchObject([{ outcome: "duplicate" }]);
  expect(station.row("o")).toMatchObject({ events: 5, revision: 2 });
  expect(station.tallies()).toMatchObject({ "events:duplicate": 2, "events:parked": 1 });
});

it("a late event that is no event at all is dead-lettered for what it is, and brings nobody back", () => {
  using station = openRetired();
  expect(station.take(deliver(90_000_000, "orders.o.OrderCreated", "{")).deadLetters).toMatchObject([
    { reason: "malformed_json" },
  ]);
  expect(station.rows.find("order", "o")?.status).toBe("kept");
});

it("a late event a rule that has changed since says nothing about the past, only about what follows", () => {
  using station = openRetired();
  const stricter: ActorType = {
    ...(orderType as ActorType),
    conclude(context) {
      const conclusion = orderType.conclude(context as Parameters<typeof orderType.conclude>[0]);
      return { ...conclusion, content: conclusion.content && { ...conclusion.content, reason: "new rule" } };
    },
  };
  const lane: Lane = { ...orderLane, type: stricter };
  station.processor.apply([orderEvent(90_000_000, "o", "OrderCreated", { second: 1, lane })]);
  const row = station.rows.find("order", "o");
  const past = row && station.restoration.recognise(row, station.history("o", row.sequence));
  if (past === undefined) throw new Error("not recognised");
  const asDeliveries = { ...past, deliveries: past.deliveries.map((each) => ({ ...each, lane })) };
  expect(station.restoration.bringBack(lane, "o", asDeliveries)?.decisions).toEqual([]);
  station.processor.apply([orderEvent(90_000_001, "o", "ShippingCalculated", { second: 20, lane })]);
  expect(station.decisions("o").at(-1)).toMatchObject({ revision: 3, supersedes: 2, reason: "new rule" });
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
        if (isBroken && Number(orderType.completeness?.(facets)) >= 60) throw new Error("puzzled");
        return orderType.conclude(facets);
      },
    };
    const lane: Lane = { ...orderLane, type: failing };
    station.orders.push(orderEvent(90_000_000, "o", "ShippingCalculated", { second: 9, estimatedDays: 2, lane }));
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
