import { expect, it, vi } from "vitest";
import { deliver } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { count, order, publisherOf, session, usePublishing } from "./publishing.ts";

usePublishing();

it("a dead letter keeps its bytes and headers, and its own identity", async () => {
  using station = openStation();
  const bytes = new Uint8Array([1, 2, 255]);
  const sent = { "Nats-Msg-Id": "mine", "ce-id": "c", "Natstate-Reason": "forged" };
  const publisher = publisherOf(station);
  publisher.offer(
    [],
    station.processor.apply([deliver(900 + count, `orders.${order}.X`, bytes, { headers: sent })]).deadLetters,
  );
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
