import { describe, expect, it } from "vitest";
import { createAnswers } from "../../src/answers/answers.ts";
import { describeRetired } from "../../src/answers/find-actor.ts";
import { createContradictions } from "../../src/store/contradictions.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { openQueries } from "../../src/store/queries.ts";
import { openReader } from "../../src/store/reader.ts";
import { carryRetired } from "../../src/store/retired.ts";
import { openRetentionStation, type RetentionStation } from "../care/retention-station.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { answersOf, order } from "./order-book.ts";

/** Orders `a` and `b` retired, with a late event about `b`. */
function openRetired(): RetentionStation {
  const station = openRetentionStation();
  for (const [index, id] of ["a", "b"].entries()) {
    station.take(
      orderEvent(2 * index + 1, id, "PaymentProcessed", { second: 1, status: "failed" }),
      orderEvent(2 * index + 2, id, "InventoryReserved", 2),
    );
  }
  station.passTime();
  expect(station.retire()).toBe(2);
  station.take(orderEvent(90_000_000, "b", "OrderCreated", 3));
  return station;
}

describe("the read side", () => {
  it("says of a retired order what is left of it, and nothing else", () => {
    using station = openRetired();
    const queries = createAnswers(openQueries(station.file));
    try {
      expect(queries.retired(order, "a")).toEqual({
        orderId: "a",
        status: "kept",
        retiredAt: "2026-03-02T00:00:00.004Z",
        lastUpdated: "2026-03-01T00:00:00.002Z",
        version: 2,
        revision: 1,
        parked: 0,
      });
      expect(queries.retired(order, "b")).toMatchObject({ status: "wanted", parked: 1 });
      expect(queries.retired(order, "nobody")).toBeUndefined();
      const { get, history, steps } = answersOf(queries);
      expect([get(order, "a"), history(order, "a"), steps(order, "a")]).toEqual(Array(3).fill(undefined));
      expect(queries.stats(order)).toMatchObject({ retired: 2, orders: { total: 1 } });
    } finally {
      queries.close();
    }
  });

  it("in words: since when, how much it was, and what brings it back", () => {
    const answer = { status: "kept", retiredAt: "T2", lastUpdated: "T1", version: 4, revision: 2, parked: 0 } as const;
    const text = "order a is retired since T2: 4 events, the last one of T1, revision 2.";
    expect(describeRetired(order, "a", answer)).toBe(
      `${text} The next event about it brings it back, as long as the streams hold all of it`,
    );
    expect(describeRetired(order, "a", { ...answer, status: "wanted", parked: 3 })).toContain("3 late events");
    expect(describeRetired(order, "a", { ...answer, status: "lost" })).toContain("actor_retired");
  });
});

it("what DECISIONS holds of retired orders is left there until they come back", () => {
  using station = openRetired();
  station.outbox.learnDecisions(orderLane, [
    { actorId: "a", revision: 1, sequence: 1, payload: "{}", pastTo: 0 },
    { actorId: "new", revision: 1, sequence: 9, payload: "{}", pastTo: 0 },
  ]);
  expect(station.db.prepare("SELECT actor_id FROM imported_decisions").pluck().all()).toEqual(["new"]);
});

it("when the stream is to be read again from its first message, no sequence counts any more", () => {
  using station = openRetired();
  const records = createLaneRecords(station.db);
  records.saveStream("order", "ORDERS", "2026-01-01T00:00:00Z", 16);
  const division = { partitions: 16, partitionOf: () => 3 };
  records.forgetStream("ANOTHER", division);
  expect(station.rows.find("order", "a")?.sequence).toBeGreaterThan(0);
  records.forgetStream("ORDERS", division);
  expect(station.rows.find("order", "a")).toMatchObject({ sequence: 0, events: 2, status: "kept" });
});

it("another store takes them over, with what waits for them, and twice is once", () => {
  using station = openRetired();
  using other = openStation();
  const reader = openReader(station.file);
  try {
    for (let time = 0; time < 2; time++) {
      carryRetired(other.db, reader.retired("order"), reader.retiredParked("order"));
    }
    expect(reader.countRetired("order")).toBe(2);
  } finally {
    reader.close();
  }
  for (const table of ["retired", "parked"]) {
    expect(other.db.prepare(`SELECT * FROM ${table}`).all()).toEqual(
      station.db.prepare(`SELECT * FROM ${table}`).all(),
    );
  }
  const inspector = createContradictions(other.db, () => false);
  expect(inspector.counts()).toMatchObject({ actors: 0, retired: 2 });
  expect(inspector.contradictions()).toEqual([]);
  const decision = { actorId: "a", revision: 1, payload: "{}", sequence: 1, typeVersion: 1 };
  expect(inspector.holds("order", decision)).toBe(true);
  expect(inspector.holds("order", { ...decision, revision: 2 })).toBe(false);
  // Another owner had brought it back.
  expect(inspector.holds("order", { ...decision, actorId: "b", revision: 2 })).toBe(true);
  other.processor.apply([orderEvent(1, "a", "OrderCreated", 1), orderEvent(90_000_001, "a", "OrderCreated", 2)]);
  expect(other.row("a")).toBeUndefined();
  other.db.exec("DELETE FROM retired WHERE actor_id = 'b'");
  expect(inspector.contradictions()).toEqual(["retired actors that the running counts are wrong by: 1"]);
});
