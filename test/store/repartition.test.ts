import { expect, it } from "vitest";
import { createAnswers } from "../../src/answers/answers.ts";
import type { StoredActor } from "../../src/flow/rows.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { openQueries } from "../../src/store/queries.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";

const IDS = Array.from({ length: 40 }, (_, nth) => `o-${nth}`);

const laneOf = (id: string, partitions: number): Lane => ({ ...orderLane, partition: partitionOf(id, partitions) });

/** Each decided, nothing published, in 16 partitions. */
function decideAll(station: Station): void {
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  const events = IDS.flatMap((id, nth) => [
    orderEvent(2 * nth + 1, id, "PaymentProcessed", { second: 1, lane: laneOf(id, 16) }),
    orderEvent(2 * nth + 2, id, "InventoryReserved", { second: 2, lane: laneOf(id, 16) }),
  ]);
  station.processor.apply(events);
}

function accept(station: Station, partitions: number): void {
  createLaneRecords(station.db).forgetStream("ORDERS", {
    partitions,
    partitionOf: (id) => partitionOf(id, partitions),
  });
}

it.each([4, 10, 16, 32])(
  "a stream made anew in %i partitions: what is due is due where it is read now",
  (partitions) => {
    using station = openStation();
    decideAll(station);
    const before = createAnswers(openQueries(station.file)).stats(orderLane.type);
    accept(station, partitions);
    const due = Array.from({ length: partitions }, (_, partition) => {
      return station.outbox.pendingDecisions({ ...orderLane, partition }).map(({ actorId }) => [actorId, partition]);
    }).flat();
    expect(new Map(due as [string, number][])).toEqual(new Map(IDS.map((id) => [id, partitionOf(id, partitions)])));
    const queries = createAnswers(openQueries(station.file));
    expect(queries.stats(orderLane.type)).toEqual(before);
    // What one daemon of several is asked for: each order is counted where it is.
    const counted = Array.from({ length: partitions }, (_, partition) => queries.stats(orderLane.type, [partition]));
    for (const [partition, stats] of counted.entries()) {
      const own = IDS.filter((id) => partitionOf(id, partitions) === partition);
      expect(stats.orders).toMatchObject({ total: own.length });
    }
    queries.close();
  },
);

it("a dead letter that is due when its stream is replaced stays due, beside one of the new stream's same sequence", () => {
  using station = openStation();
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  const former = deliver(7, "orders.o.OrderCreated", "{ former");
  station.processor.apply([former, deliver(8, "orders.o.OrderCreated", "{ published")]);
  const letters = station.outbox.pendingDeadLetters(orderLane);
  station.outbox.markPublished([], [{ row: letters[1] as (typeof letters)[0], sequence: 1 }]);
  accept(station, 16);
  station.processor.apply([deliver(7, "orders.o.OrderCreated", "{ anew")]);
  const due = station.outbox.pendingDeadLetters(orderLane);
  expect(due.map(({ sequence, body }) => [sequence, Buffer.from(body).toString()])).toEqual([
    [7, "{ former"],
    [7, "{ anew"],
  ]);
  // Published, and the note of it lost: known again by its bytes.
  const { former: _former, ...asFound } = due[0] as (typeof due)[0];
  station.outbox.importDeadLetters(orderLane, [{ row: { ...asFound, former: 0 }, sequence: 2 }]);
  expect(station.outbox.pendingDeadLetters(orderLane).map(({ body }) => Buffer.from(body).toString())).toEqual([
    "{ anew",
  ]);
});

it("what is read again from its first message is held against all of DEAD_LETTERS: nothing is told twice", () => {
  using station = openStation();
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  station.outbox.savePositions(orderLane, { decisions: 7, deadLetters: 9 });
  accept(station, 16);
  expect(station.outbox.positions(orderLane)).toEqual({ decisions: 7, deadLetters: 0 });
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  station.outbox.savePositions(orderLane, { decisions: 7, deadLetters: 9 });
  accept(station, 4);
  expect(station.outbox.positions(orderLane)).toEqual({ decisions: 0, deadLetters: 0 });
});

it("what DEAD_LETTERS says of a sequence that is still to come keeps no real dead letter from being published", () => {
  using station = openStation();
  const real = deliver(50, "orders.o.OrderCreated", "{ real");
  const forged = { ...real, body: Buffer.from("{ forged") };
  const row = {
    type: "order",
    stream: "ORDERS",
    partition: 3,
    sequence: 50,
    former: 0,
    subject: real.subject,
  } as const;
  const rest = { reason: "malformed_json", error: "", storedAtMs: 1, headers: "[]" } as const;
  station.outbox.importDeadLetters(orderLane, [{ row: { ...row, ...rest, body: forged.body }, sequence: 9 }]);
  expect(station.processor.apply([real]).deadLetters).toHaveLength(1);
  expect(station.outbox.pendingDeadLetters(orderLane)).toMatchObject([{ sequence: 50, body: Buffer.from("{ real") }]);
});

it("an order's history stays in the order in which it was heard when its stream was made anew", () => {
  using station = openStation();
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  station.processor.apply([
    orderEvent(100, "o", "PaymentProcessed", { second: 1, status: "failed" }),
    orderEvent(101, "o", "InventoryReserved", 2),
  ]);
  accept(station, 16);
  station.processor.apply([orderEvent(1, "o", "PaymentProcessed", 5)]);
  const row = station.journal.findActor("order", "o") as StoredActor;
  expect([...station.journal.eventsOf(row)].map(({ sequence }) => sequence)).toEqual([100, 101, 1]);
});
