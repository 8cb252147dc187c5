import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { LedgerRow } from "../../src/flow/rows.ts";
import { learnPublished } from "../../src/jetstream/learn-published.ts";
import { createStreamPublisher, type StreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { decisionsOn } from "../../src/jetstream/published-decisions.ts";
import { createPublisher, type Publisher, type PublisherOptions } from "../../src/jetstream/publisher.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { createOutboxStreams } from "../../src/store/outbox-streams.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";
import { startTestServer, type TestServer } from "../server.ts";

let server: TestServer;
let session: Session;
let streams: StreamPublisher;
let order: string;
let count = 0;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  streams = createStreamPublisher(session, 5000);
  await ensureStreams(session.jsm, [orderLane.type], {
    partitions: 4,
    replicas: 1,
    maxAgeMs: 3_600_000,
    maxMessageBytes: 65_536,
    denyPurge: false,
    manage: true,
  });
});
afterAll(async () => {
  streams.stop();
  await session.close();
  await server.stop();
});
beforeEach(() => {
  order = `o-${++count}`;
});

function publisherOf(station: Station, changes: Partial<PublisherOptions> = {}): Publisher & { troubles: string[] } {
  const troubles: string[] = [];
  const publisher = createPublisher({
    streams,
    jsm: session.jsm,
    outbox: station.outbox,
    laneOf: () => orderLane,
    maxInFlight: 16,
    isConnected: () => true,
    beforeRetry: () => Promise.resolve(),
    onForeign: () => {},
    ...changes,
    onPublished: () => {},
    onReconciled: (lane, id) => station.actors.evict(lane, id),
    onTrouble: (error) => troubles.push(error.message),
    onProgress: () => {},
  });
  return { ...publisher, troubles };
}

/** Three revisions: 5, 3 and 9 days. */
function decide(station: Station): readonly LedgerRow[] {
  return station.processor.apply([
    orderEvent(1, order, "PaymentProcessed", 1),
    orderEvent(2, order, "InventoryReserved", 2),
    orderEvent(3, order, "ShippingCalculated", 3, { estimatedDays: 3 }),
    orderEvent(4, order, "ShippingCalculated", 4, { estimatedDays: 9 }),
  ]).decisions;
}

const told = async () =>
  (await decisionsOn(session.jsm, orderLane.type, order)).decisions.map(({ payload }) => {
    const { revision, estimatedDays } = JSON.parse(payload);
    return [revision, estimatedDays];
  });

async function publishByOther(revision: number, estimatedDays: number, hasId = true, payload?: string): Promise<void> {
  const header = headers();
  header.set("Natstate-Revision", String(revision));
  const content = {
    decisionType: "OrderConfirmed",
    orderId: order,
    revision,
    warehouseId: "warehouse-west",
    estimatedDays,
  };
  await session.js.publish(`decisions.orders.${order}`, payload ?? JSON.stringify(content), {
    ...(hasId && { msgID: `orders:${order}:${revision}` }),
    headers: header,
  });
}

it("revisions of an order are published in order, each once, though all are offered at once and twice", async () => {
  using station = openStation();
  const publisher = publisherOf(station);
  const rows = decide(station);
  publisher.offer(rows, []);
  publisher.offer(rows, []);
  await publisher.drain(5000);
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
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
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
});

it("another writer's equal decisions are taken for ours", async () => {
  using station = openStation();
  await publishByOther(1, 5);
  await publishByOther(2, 3);
  const publisher = publisherOf(station);
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
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
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
  await session.jsm.streams.purge("DECISIONS", { filter: `decisions.orders.${order}` });
  using empty = openStation();
  const second = publisherOf(empty);
  second.offer(decide(empty), []);
  await second.drain(5000);
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
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
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
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
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(attempts).toBeLessThan(6);
  expect(publisher.troubles).toEqual([expect.stringContaining("another writer")]);
  isBusy = false;
  await publisher.drain(5000);
  expect((await told()).at(-1)).toEqual([3, 9]);
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
  expect(await told()).toEqual([
    [1, 5],
    [2, 3],
    [3, 9],
  ]);
});

it("a dead letter keeps its bytes and headers, and its own identity", async () => {
  using station = openStation();
  const bytes = new Uint8Array([1, 2, 255]);
  const sent = { "Nats-Msg-Id": "mine", "ce-id": "c", "Natstate-Reason": "forged" };
  const publisher = publisherOf(station);
  publisher.offer([], station.processor.apply([deliver(900 + count, `orders.${order}.X`, bytes, sent)]).deadLetters);
  await publisher.drain(5000);
  const message = await session.jsm.streams.getMessage("DEAD_LETTERS", {
    last_by_subj: "deadletters.orders.malformed_json",
  });
  expect(message?.data).toEqual(bytes);
  expect(Object.fromEntries([...(message?.header ?? [])].map(([name, values]) => [name, values[0]]))).toMatchObject({
    "Natstate-Reason": "malformed_json",
    "Natstate-Error": "body: not UTF-8",
    "Natstate-Subject": `orders.3.${order}.X`,
    "Natstate-Stream": "ORDERS",
    "Natstate-Sequence": String(900 + count),
    "Nats-Msg-Id": `dead:ORDERS:${900 + count}`,
    "Natstate-Original-Nats-Msg-Id": "mine",
    "ce-id": "c",
  });
});

it("a dead letter of a stream made anew is published, though the former one had its sequence", async () => {
  for (const text of ["former", "anew", "anew"]) {
    using station = openStation();
    const publisher = publisherOf(station);
    const bad = deliver(800 + count, `orders.${order}.X`, new TextEncoder().encode(text));
    publisher.offer([], station.processor.apply([bad]).deadLetters);
    await publisher.drain(5000);
  }
  const { state } = await session.jsm.streams.info("DEAD_LETTERS");
  const last = async (back: number) =>
    (await session.jsm.streams.getMessage("DEAD_LETTERS", { seq: state.last_seq - back }))?.string();
  expect([await last(1), await last(0)]).toEqual(["former", "anew"]);
});

it("what is due while disconnected waits until it is known what has been published meanwhile", async () => {
  using station = openStation();
  const { deadLetters } = station.processor.apply([deliver(700 + count, `orders.${order}.X`, "{")]);
  let isConnected = false;
  const publisher = publisherOf(station, {
    isConnected: () => isConnected,
    async beforeRetry() {
      if (!isConnected) throw new Error("not connected");
      station.outbox.markPublished(
        [],
        deadLetters.map((row) => ({ row, sequence: 1 })),
      );
    },
  });
  const { state: before } = await session.jsm.streams.info("DEAD_LETTERS");
  publisher.offer([], deadLetters);
  isConnected = true;
  await publisher.drain(5000);
  expect(publisher.backlog()).toBe(0);
  expect((await session.jsm.streams.info("DEAD_LETTERS")).state.last_seq).toBe(before.last_seq);
});

it("a process that was frozen learns what has been published meanwhile before it publishes anything", async () => {
  using station = openStation();
  // More than may be on their way at once.
  const bad = Array.from({ length: 40 }, (_, index) => deliver(2000 + 50 * count + index, `orders.${order}.X`, "{"));
  const { deadLetters } = station.processor.apply(bad);
  let learnt = 0;
  const publisher = publisherOf(station, {
    async beforeRetry() {
      learnt++;
      station.outbox.markPublished(
        [],
        deadLetters.map((row) => ({ row, sequence: 1 })),
      );
    },
  });
  const { state: before } = await session.jsm.streams.info("DEAD_LETTERS");
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 125_000);
  publisher.offer([], deadLetters);
  clock.mockRestore();
  await publisher.drain(5000);
  expect(publisher.backlog()).toBe(0);
  expect((await session.jsm.streams.info("DEAD_LETTERS")).state.last_seq).toBe(before.last_seq);
  // Once awake again, nothing is to be learnt.
  const learntByThen = learnt;
  expect(learntByThen).toBeGreaterThan(0);
  const next = station.processor.apply([deliver(9000 + count, `orders.${order}.X`, "{")]);
  publisher.offer([], next.deadLetters);
  await publisher.drain(5000);
  expect([publisher.backlog(), learnt]).toEqual([0, learntByThen]);
  publisher.stop();
});

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
