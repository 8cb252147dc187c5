import { expect, it } from "vitest";
import type { StreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { decisionsOn } from "../../src/jetstream/published-decisions.ts";
import { createOutboxStreams } from "../../src/store/outbox-streams.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { until } from "../until.ts";
import { decide, order, publishByOther, publisherOf, session, streams, told, usePublishing } from "./publishing.ts";

usePublishing();

/** What `decide` decides, as it is told. */
const ALL = [
  [1, 5],
  [2, 3],
  [3, 9],
];

it("revisions of an order are published in order, each once, though all are offered at once and twice", async () => {
  using station = openStation();
  const publisher = publisherOf(station);
  const rows = decide(station);
  publisher.offer(rows, []);
  publisher.offer(rows, []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
  expect(publisher.troubles).toEqual([]);
});

it("a decision that has not got in when its lane goes to another owner takes those after it along", async () => {
  using station = openStation();
  const sent: string[] = [];
  let isOwned = true;
  const publisher = publisherOf(station, {
    owns: () => isOwned,
    streams: {
      async publish(message) {
        sent.push(message.header.get("Natstate-Revision"));
        if (sent.length > 1) return streams.publish(message);
        isOwned = false;
        throw new Error("no leader at the moment");
      },
    },
  });
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  expect(sent).toEqual(["1"]);
  expect(await told()).toEqual([]);
});

it("a decision does not get in without the one before it", async () => {
  using station = openStation();
  const publisher = publisherOf(station);
  const [, ...later] = decide(station);
  publisher.offer(later, []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
  expect(publisher.troubles).toEqual([]);
});

it("a crash after the publish and before the note publishes nothing again", async () => {
  using station = openStation();
  const rows = decide(station);
  const first = publisherOf(station);
  first.offer(rows, []);
  await first.drain(5000);
  station.db.exec("UPDATE decisions SET published = NULL");
  const second = publisherOf(station);
  second.offer(station.outbox.pendingDecisions(orderLane), []);
  await second.drain(5000);
  expect(await told()).toEqual(ALL);
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
});

it("another writer's equal decisions are taken for ours", async () => {
  using station = openStation();
  await publishByOther(1, 5);
  await publishByOther(2, 3);
  const publisher = publisherOf(station);
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
});

it("another writer's different decision stays and is superseded by ours", async () => {
  using station = openStation();
  await publishByOther(1, 70);
  const publisher = publisherOf(station);
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  const decisions = await told();
  expect(decisions[0]).toEqual([1, 70]);
  expect(decisions.at(-1)?.[1]).toBe(9);
  expect(decisions.map(([revision]) => revision)).toEqual(decisions.map((_, index) => index + 1));
});

it("a stranger's message that is no decision is passed over", async () => {
  using station = openStation();
  const subject = `decisions.orders.${order}`;
  await session.js.publish(subject, "no decision at all");
  const publisher = publisherOf(station);
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  expect((await decisionsOn(session.jsm, orderLane.type, order)).decisions.at(-1)?.payload).toContain(
    '"estimatedDays":9',
  );
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
});

it("a subject whose decisions have aged out is continued", async () => {
  using station = openStation();
  const publisher = publisherOf(station);
  const [first, ...rest] = decide(station);
  publisher.offer(first === undefined ? [] : [first], []);
  await publisher.drain(5000);
  await session.jsm.streams.purge("DECISIONS", { filter: `decisions.orders.${order}` });
  publisher.offer(rest, []);
  await publisher.drain(5000);
  expect(await told()).toEqual([
    [2, 3],
    [3, 9],
  ]);
});

it("a duplicate of another subject's id, or of a purged message, is not taken for published", async () => {
  using station = openStation();
  await session.js.publish("decisions.orders.elsewhere", "{}", { msgID: `orders:${order}:1` });
  const publisher = publisherOf(station);
  const rows = decide(station);
  publisher.offer(rows, []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
  await session.jsm.streams.purge("DECISIONS", { filter: `decisions.orders.${order}` });
  using empty = openStation();
  const second = publisherOf(empty);
  second.offer(decide(empty), []);
  await second.drain(5000);
  expect(await told()).toEqual(ALL);
  expect(empty.outbox.pendingDecisions(orderLane)).toEqual([]);
});

it.each([
  ["a revision that leaps to where numbers end", (): [number, number] => [Number.MAX_SAFE_INTEGER, 70]],
  ["a copy of an older revision", (): [number, number] => [1, 5]],
])("%s is passed over, named, and never loops", async (_, forged) => {
  using station = openStation();
  const [first, ...rest] = decide(station);
  const named: (readonly number[])[] = [];
  const publisher = publisherOf(station, { onForeign: (_lane, _id, sequences) => named.push(sequences) });
  publisher.offer(first === undefined ? [] : [first], []);
  await publisher.drain(5000);
  await publishByOther(...forged(), false);
  publisher.offer(rest, []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
  expect(named).toEqual([[expect.any(Number)]]);
  expect(publisher.backlog()).toBe(0);
});

it("a writer that is always there first is not chased: the decision waits, and gets in when it rests", async () => {
  using station = openStation();
  let attempts = 0;
  let isBusy = true;
  const racing: StreamPublisher = {
    ...streams,
    async publish(message) {
      attempts++;
      if (isBusy) await session.js.publish(message.subject, "{}");
      return streams.publish(message);
    },
  };
  const publisher = publisherOf(station, { streams: racing });
  publisher.offer(decide(station), []);
  await until("it is given up for now", () => publisher.troubles.length > 0);
  expect(attempts).toBeLessThan(6);
  expect(publisher.troubles).toEqual([expect.stringContaining("another writer")]);
  isBusy = false;
  await publisher.drain(5000);
  expect((await told()).at(-1)).toEqual([3, 9]);
});

it("what is decided as soon as the ledger is rewritten goes behind what it says now, and is published too", async () => {
  using station = openStation();
  const rows = decide(station);
  await publishByOther(1, 7);
  const publisher = publisherOf(station, {
    outbox: {
      ...station.outbox,
      reconcile(...asked) {
        const reconciled = station.outbox.reconcile(...asked);
        const shipping = orderEvent(5, order, "ShippingCalculated", { second: 5, estimatedDays: 4 });
        queueMicrotask(() => {
          station.actors.evict(orderLane, order);
          publisher.offer(station.processor.apply([shipping]).decisions, []);
        });
        return reconciled;
      },
    },
  });
  publisher.offer(rows, []);
  await publisher.drain(5000);
  expect((await told()).at(-1)?.[1]).toBe(4);
  expect([publisher.backlog(), station.outbox.pendingDecisions(orderLane)]).toEqual([0, []]);
});

it("a subject that has lost its end gets it again, in order", async () => {
  using station = openStation();
  const rows = decide(station);
  const publisher = publisherOf(station);
  publisher.offer(rows, []);
  await publisher.drain(5000);
  const { sequence } = { sequence: station.outbox.publishedSequence(rows[0]?.actorKey ?? 0, 2) ?? 0 };
  const outboxStreams = createOutboxStreams(station.db);
  outboxStreams.save("DECISIONS", "2026-03-01T00:00:00Z");
  // What a copy from before would not have.
  await session.jsm.streams.purge("DECISIONS", { filter: `decisions.orders.${order}` });
  const [original] = rows;
  if (original !== undefined) await publishByOther(1, 5, false, original.payload);
  expect(outboxStreams.forgetFrom("DECISIONS", sequence)).toBe(2);
  publisher.offer(station.outbox.pendingDecisions(orderLane), []);
  await publisher.drain(5000);
  expect(await told()).toEqual(ALL);
});
