import { expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import type { Found } from "../../src/flow/lane-records.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { openQueries } from "../../src/store/queries.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";

/* Dead letters of a stream that is read again, and how often they are counted. */

const STORED_MS = Date.parse("2026-03-01T00:00:00Z");
const DIVISION = { partitions: 16, partitionOf: () => 3 };
const bad = (sequence: number) => deliver(sequence, "orders.o.OrderCreated", `{ ${sequence}`);

/** The stream has the messages of before, all or the first ones. */
const found = (lastSequence: number, isRestored: boolean): Found => {
  return { firstSequence: 1, lastSequence, beginsAtMs: STORED_MS, isRestored };
};

function openHeard(): Station {
  const station = openStation();
  createLaneRecords(station.db).saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  for (let sequence = 1; sequence <= 4; sequence++) station.processor.apply([bad(sequence)]);
  return station;
}

function counted({ file }: Station): Readonly<Record<string, number>> {
  const queries = openQueries(file);
  const { byReason } = createAnswers(queries).stats(orderLane.type).deadLetters;
  queries.close();
  return Object.fromEntries(Object.entries(byReason).filter(([, count]) => count > 0));
}

it.each([
  ["that a cluster restored", found(4, true)],
  ["whose former messages are there", found(4, false)],
])("of a stream %s each is counted once", (_, stream) => {
  using station = openHeard();
  createLaneRecords(station.db).forgetStream("ORDERS", DIVISION, stream);
  for (let sequence = 1; sequence <= 4; sequence++) station.processor.apply([bad(sequence)]);
  expect(counted(station)).toEqual({ malformed_json: 4 });
});

it("of a stream that an older copy has taken the place of, those it lacks stay counted, and what follows is counted too", () => {
  using station = openHeard();
  createLaneRecords(station.db).forgetStream("ORDERS", DIVISION, found(3, false));
  for (let sequence = 1; sequence <= 3; sequence++) station.processor.apply([bad(sequence)]);
  station.processor.apply([deliver(4, "orders.o.OrderCreated", "{ another")]);
  expect(counted(station)).toEqual({ malformed_json: 5 });
});

it("of a stream that was made anew each is one more", () => {
  using station = openHeard();
  const stream = { firstSequence: 1, lastSequence: 1, beginsAtMs: STORED_MS + 60_000, isRestored: false };
  createLaneRecords(station.db).forgetStream("ORDERS", DIVISION, stream);
  station.processor.apply([{ ...bad(1), storedAtMs: STORED_MS + 60_001 }]);
  expect(counted(station)).toEqual({ malformed_json: 5 });
});

it("of a lane that goes back to where nothing was missing each is counted once", () => {
  using station = openHeard();
  const records = createLaneRecords(station.db);
  station.db.prepare("UPDATE checkpoints SET complete_to = 2").run();
  records.goBack({ ...orderLane, partition: 2 });
  records.goBack(orderLane);
  expect(station.journal.checkpoint(orderLane)).toBe(2);
  for (const sequence of [3, 4]) station.processor.apply([bad(sequence)]);
  expect(counted(station)).toEqual({ malformed_json: 4 });
});

it("what is no dead letter any more when it is heard again is none less than none when it is heard once more", () => {
  using station = openHeard();
  for (let time = 1; time <= 2; time++) {
    createLaneRecords(station.db).goBack(orderLane);
    for (let sequence = 1; sequence <= 4; sequence++) {
      station.processor.apply([orderEvent(sequence, "o", "OrderCreated", sequence)]);
    }
  }
  const value = station.db.prepare("SELECT value FROM tallies WHERE name = 'dead:malformed_json'").pluck().get();
  expect(value).toBe(0);
});

it("what DEAD_LETTERS alone has told is counted when it is heard", () => {
  using station = openHeard();
  const { body, subject } = bad(5);
  const row = station.db.prepare("SELECT * FROM dead_letters WHERE sequence = 4").get() as object;
  const columns = Object.keys(row);
  station.db
    .prepare(`INSERT INTO dead_letters (${columns}) VALUES (${columns.map((name) => `:${name}`)})`)
    .run({ ...row, sequence: 5, body, subject, published: 9 });
  createLaneRecords(station.db).forgetStream("ORDERS", DIVISION, found(5, true));
  for (let sequence = 1; sequence <= 5; sequence++) station.processor.apply([bad(sequence)]);
  expect(counted(station)).toEqual({ malformed_json: 5 });
});

it("an event on which its actor failed is kept back again, and stays counted", () => {
  using station = openStation();
  const conclude = () => {
    throw new Error("puzzled");
  };
  const own = { ...orderLane, type: { ...orderLane.type, conclude } as ActorType };
  const records = createLaneRecords(station.db);
  records.saveStream("order", "ORDERS", "2026-03-01T00:00:00Z", 16);
  const event = orderEvent(1, "o", "PaymentProcessed", { second: 1, lane: own });
  station.processor.apply([event]);
  records.forgetStream("ORDERS", DIVISION, found(1, true));
  station.processor.apply([event]);
  expect(counted(station)).toEqual({ machine_error: 1 });
});
