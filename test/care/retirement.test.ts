import { expect, it, vi } from "vitest";
import { createRetirement } from "../../src/care/retirement.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation } from "./retention-station.ts";
import { openRetired, portrait, story } from "./retired-order.ts";

it("retiring leaves of a settled order nothing but what it takes to know it again", () => {
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

it("retiring leaves alone who is undecided, young, unpublished, in quarantine, in another lane, or has decisions to come", () => {
  using station = openRetentionStation();
  const decided = (at: number, id: string) => [
    orderEvent(at, id, "PaymentProcessed", { second: 1, status: "failed" }),
    orderEvent(at + 1, id, "InventoryReserved", 2),
  ];
  station.take(orderEvent(1, "undecided", "OrderCreated", 1), ...decided(2, "quarantined"), ...decided(4, "ahead"));
  station.take(
    ...decided(6, "withdrawn"),
    orderEvent(8, "withdrawn", "PaymentProcessed", { second: 3, status: "pending" }),
  );
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

it("retiring goes by stream time: where nothing happens nobody is retired, whatever the clock says", () => {
  using station = openRetentionStation();
  station.take(...story());
  vi.useFakeTimers({ now: Date.parse("2099-01-01T00:00:00Z"), toFake: ["Date"] });
  try {
    expect(station.retire()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it("retiring comes to every order that is due in steps of bounded size, past any number of others", () => {
  using station = openRetentionStation();
  const undecided = Array.from({ length: 450 }, (_, index) => orderEvent(index + 1, `u${index}`, "OrderCreated", 1));
  const settled = Array.from({ length: 450 }, (_, index) => [
    orderEvent(1000 + 2 * index, `s${index}`, "PaymentProcessed", { second: 1, status: "failed" }),
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

it("retiring waits for who was first seen long ago and is still heard of", () => {
  using station = openRetentionStation();
  station.take(orderEvent(1, "o", "PaymentProcessed", { second: 1, status: "failed" }));
  station.take(orderEvent(86_400_000, "o", "InventoryReserved", 2), orderEvent(86_400_900, "other", "OrderCreated", 3));
  expect(station.retire()).toBe(0);
  station.take(orderEvent(86_401_001, "other", "InventoryReserved", 4));
  expect(station.retire()).toBe(1);
});

it("retiring begins with no further order once a step has lasted 2 ms", () => {
  using station = openRetentionStation();
  station.take(
    ...Array.from({ length: 3 }, (_, index) => [
      orderEvent(2 * index + 1, `s${index}`, "PaymentProcessed", { second: 1, status: "failed" }),
      orderEvent(2 * index + 2, `s${index}`, "InventoryReserved", 2),
    ]).flat(),
  );
  station.passTime();
  let nowMs = 0;
  const retirement = createRetirement({ ...station, clock: { now: () => (nowMs += 2) } });
  const step = () => retirement.step(orderLane.type, [orderLane], 1000);
  expect([step(), step()]).toEqual([
    { retired: 2, hasMore: true },
    { retired: 1, hasMore: false },
  ]);
});

it("retiring asks about no further order either once a step has lasted 2 ms", () => {
  using station = openRetentionStation();
  station.take(
    ...["a", "b", "c"].flatMap((id, index) => [
      orderEvent(2 * index + 1, id, "PaymentProcessed", { second: 1, status: "failed" }),
      orderEvent(2 * index + 2, id, "InventoryReserved", 2),
    ]),
  );
  station.passTime();
  let nowMs = 0;
  const retirement = createRetirement({ ...station, clock: { now: () => (nowMs += 2) } });
  const asked: string[] = [];
  const isNotRetired = ({ id }: { id: string }) => asked.push(id) === 0;
  const step = () => retirement.step(orderLane.type, [orderLane], 1000, isNotRetired);
  expect([step(), asked.length, step(), asked]).toEqual([
    { retired: 0, hasMore: true },
    2,
    { retired: 0, hasMore: false },
    ["a", "b", "c"],
  ]);
});

it("retiring a step that cannot be committed leaves everything as it was, and is taken again", () => {
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
