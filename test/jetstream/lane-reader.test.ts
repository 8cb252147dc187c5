import { expect, it } from "vitest";
import { readLane } from "../../src/jetstream/lane-reader.ts";
import { consumerName } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import { ALWAYS_ROOM, lane, publish, published, range, read, server, session, useLane } from "./lane-reading.ts";

useLane();

it("reads from the checkpoint in stream order, whatever was acknowledged before", async () => {
  {
    await using first = read(0);
    await until("all read", () => first.checkpoint === published);
    expect(first.sequences).toEqual(range(1, published));
    const waiting = () => session.jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
    // After 30 s the server takes it for lost.
    await until("all is acknowledged", async () => (await waiting()).num_ack_pending === 0, 10_000);
  }
  await using second = read(4);
  await until("read again from 5", () => second.checkpoint === published);
  expect(second.sequences).toEqual(range(5, published));
});

it("after a doubt it starts over from what is committed", async () => {
  const from = published - 10;
  await using reading = read(from, (delivery) => delivery.sequence <= from + 3 || reading.doubts.length > 0);
  await until("first pass", () => reading.sequences.length === 10);
  reading.reader.doubt("connection");
  await until("second pass", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual([...range(from + 1, published), ...range(from + 4, published)]);
});

it("without room it asks for nothing, keeps what is queued, and goes on where that ends", async () => {
  const from = published - 10;
  let free: (() => void) | undefined;
  const room = {
    isFull: () => free === undefined && reading.sequences.length >= 4,
    whenFree: () => new Promise<void>((resolve) => void setImmediate(() => asked.push(resolve))),
  };
  const asked: (() => void)[] = [];
  await using reading = read(from, () => true, session, { room });
  await until("it is full", () => asked.length === 1);
  await publish(10);
  expect(reading.sequences).toEqual(range(from + 1, from + 4));
  expect([reading.doubts, reading.reader.isReading()]).toEqual([[], true]);
  free = asked[0];
  free?.();
  await until("the rest is read", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(reading.doubts).toEqual(["full"]);
});

it("the server killed and started again: nothing is missed", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await server.kill9();
  await server.restart();
  await until("connected", () => session.isConnected());
  reading.reader.doubt("connection");
  await publish(5);
  await until("read on", () => reading.checkpoint === published);
  expect([...new Set(reading.sequences)]).toEqual(range(published - 14, published));
});

it("a connection that is back begins a lane at once, however often it failed before, and its failures no longer count", async () => {
  let isAway = true;
  const reader = readLane({
    ...{ jsm: session.jsm, js: session.js, nc: session.nc, lane, manage: true, checkpoint: () => published },
    prepare: async () => {
      if (isAway) throw new Error("not connected");
    },
    ...{ room: ALWAYS_ROOM, onDelivery() {}, onDoubt() {}, onChanged() {}, onMended() {} },
  });
  // Three failures, and two seconds until the next attempt.
  await until("told", () => reader.trouble());
  isAway = false;
  const before = performance.now();
  reader.doubt("connection");
  expect(reader.trouble()).toBeUndefined();
  await until("reading", () => reader.isReading());
  expect(performance.now() - before).toBeLessThan(900);
  await reader.release();
});
