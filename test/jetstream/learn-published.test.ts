import { headers } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { learnPublished } from "../../src/jetstream/learn-published.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { decide, order, publisherOf, session, usePublishing } from "./publishing.ts";

usePublishing();

it("a store without a past learns what is published before it decides anew", async () => {
  using old = openStation();
  const before = publisherOf(old);
  const lanes = Array.from({ length: 4 }, (_, partition) => ({ ...orderLane, partition }));
  before.offer(decide(old), []);
  await before.drain(5000);
  using fresh = openStation();
  await learnPublished({ ...session, outbox: fresh.outbox, partitions: 4 }, lanes);
  expect(decide(fresh)).toEqual([]);
  expect(fresh.outbox.positions(orderLane).decisions).toBeGreaterThan(0);
});

it("a store without a past knows a dead letter by the reason's former name, and does not publish it again", async () => {
  using fresh = openStation();
  const lanes = Array.from({ length: 4 }, (_, partition) => ({ ...orderLane, partition }));
  const { seq: sequence } = await session.js.publish(`orders.${order}.ShippingCalculated`, "{}");
  const subject = `orders.${partitionOf(order, 4)}.${order}.ShippingCalculated`;
  const header = headers();
  header.set("Natstate-Reason", "order_retired");
  header.set("Natstate-Subject", subject);
  header.set("Natstate-Stream", "ORDERS");
  header.set("Natstate-Sequence", String(sequence));
  const { seq: published } = await session.js.publish("deadletters.orders.order_retired", "{}", { headers: header });
  const foreign: number[] = [];
  await learnPublished(
    {
      ...session,
      outbox: fresh.outbox,
      partitions: 4,
      onForeign: (stream, message) => stream === "DEAD_LETTERS" && foreign.push(message.sequence),
    },
    lanes,
  );
  expect(foreign).not.toContain(published);
  const row = {
    ...{
      type: "order",
      stream: "ORDERS",
      partition: partitionOf(order, 4),
      sequence,
      former: 0,
      subject,
      headers: "[]",
    },
    ...({ reason: "actor_retired", error: "e", storedAtMs: 1, body: Buffer.from("{}") } as const),
  };
  expect(fresh.journal.recordDeadLetter(row)).toBe(false);
  const noted = fresh.db.prepare("SELECT reason, published FROM dead_letters WHERE sequence = ?").all(sequence);
  expect(noted).toEqual([{ reason: "actor_retired", published }]);
  expect(lanes.flatMap((lane) => fresh.outbox.pendingDeadLetters(lane))).toEqual([]);
});

it("a message whose reason is only a word that every object knows is a stranger's, and is passed over", async () => {
  using fresh = openStation();
  const lanes = Array.from({ length: 4 }, (_, partition) => ({ ...orderLane, partition }));
  const header = headers();
  header.set("Natstate-Reason", "constructor");
  header.set("Natstate-Subject", `orders.${partitionOf(order, 4)}.${order}.ShippingCalculated`);
  header.set("Natstate-Stream", "ORDERS");
  header.set("Natstate-Sequence", "1");
  const { seq } = await session.js.publish("deadletters.orders.constructor", "{}", { headers: header });
  const foreign: number[] = [];
  const onForeign = (stream: string, message: { sequence: number }) =>
    stream === "DEAD_LETTERS" && foreign.push(message.sequence);
  await learnPublished({ ...session, outbox: fresh.outbox, partitions: 4, onForeign }, lanes);
  expect(foreign).toContain(seq);
  expect(lanes.map((lane) => fresh.outbox.positions(lane).deadLetters)).toContain(seq);
});
