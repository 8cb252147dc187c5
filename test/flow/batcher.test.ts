import Database from "better-sqlite3";
import { expect, it } from "vitest";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import { type BatcherOptions, createBatcher } from "../../src/flow/batcher.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createDeliveryQueue } from "../../src/flow/delivery-queue.ts";
import type { Processor } from "../../src/flow/processor.ts";
import { until } from "../until.ts";
import { orderLane } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { openStation } from "./station.ts";

function batcherOf(processor: Processor, options: Partial<BatcherOptions> = {}, maxQueuedBytes = 67_108_864) {
  const batches: number[] = [];
  const errors: Error[] = [];
  const queue = createDeliveryQueue(maxQueuedBytes);
  const batcher = createBatcher({
    ...{ processor, queue },
    limits: { maxDeliveries: 100, maxBytes: 1_000_000 },
    onCommitted: ({ handled }) => void batches.push(handled.length),
    onFailed: (error) => void errors.push(error),
    hasRoom: () => true,
    ...options,
  });
  return { batcher, queue, batches, errors };
}

function disposable(db: Database.Database): Database.Database & Disposable {
  return Object.assign(db, { [Symbol.dispose]: () => void db.close() });
}

function events(count: number, onAck: (sequence: number) => void = () => {}): Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    ...orderEvent(index + 1, `o-${index}`, "OrderCreated", 1),
    ack: () => onAck(index + 1),
  }));
}

it("what has arrived is committed together, bounded by count, and acknowledged after that", async () => {
  using station = openStation();
  const acknowledged: number[] = [];
  const { batcher, queue, batches } = batcherOf(station.processor);
  for (const delivery of events(250, (sequence) => acknowledged.push(sequence))) batcher.push(delivery);
  expect(acknowledged).toEqual([]);
  await until("all applied", () => queue.size() === 0);
  expect(batches).toEqual([100, 100, 50]);
  expect(acknowledged).toHaveLength(250);
});

it("bounded by bytes too", async () => {
  using station = openStation();
  const { batcher, queue, batches } = batcherOf(station.processor, { limits: { maxDeliveries: 100, maxBytes: 1000 } });
  for (const delivery of events(20)) batcher.push(delivery);
  await until("all applied", () => queue.size() === 0);
  expect(Math.max(...batches)).toBeLessThan(10);
});

it("a full disk: nothing is acknowledged or dead-lettered, and it goes on when there is room", async () => {
  using station = openStation();
  const acknowledged: number[] = [];
  const { batcher, errors } = batcherOf(station.processor);
  station.db.pragma(`max_page_count = ${station.db.pragma("page_count", { simple: true })}`);
  for (const delivery of events(300, (sequence) => acknowledged.push(sequence))) batcher.push(delivery);
  await until("it has tried twice", () => errors.length >= 2);
  expect(errors[0]?.message).toMatch(/full/);
  expect(batcher.pause()?.error).toMatch(/full/);
  expect(acknowledged).toEqual([]);
  expect(station.db.prepare("SELECT count(*) FROM events").pluck().get()).toBe(0);
  station.db.pragma("max_page_count = 1000000");
  await until("it goes on", () => acknowledged.length === 300);
  expect(batcher.pause()).toBeNull();
  expect(station.db.prepare("SELECT count(*) FROM dead_letters").pluck().get()).toBe(0);
});

it("another program that holds the store: each attempt gives up at once and says so, and it goes on afterwards", async () => {
  using station = openStation();
  const acknowledged: number[] = [];
  const attemptsMs: number[] = [];
  const timed: Processor = {
    ...station.processor,
    apply(batch) {
      const startedMs = performance.now();
      try {
        return station.processor.apply(batch);
      } finally {
        attemptsMs.push(performance.now() - startedMs);
      }
    },
  };
  const { batcher, errors } = batcherOf(timed);
  using held = disposable(new Database(station.file));
  held.exec("BEGIN IMMEDIATE");
  for (const delivery of events(3, (sequence) => acknowledged.push(sequence))) batcher.push(delivery);
  await until("it has tried twice", () => errors.length >= 2);
  expect(Math.max(...attemptsMs)).toBeLessThan(1000);
  expect(batcher.pause()?.error).toBe(
    `another program holds ${station.file} and lets nobody write: end it, or its transaction`,
  );
  expect(acknowledged).toEqual([]);
  held.exec("ROLLBACK");
  await until("it goes on", () => acknowledged.length === 3);
});

it("a lane in doubt loses what is queued, the others keep theirs", async () => {
  using station = openStation();
  const other = { ...orderLane, partition: 4 };
  const { batcher, queue } = batcherOf(station.processor);
  for (const delivery of events(10)) batcher.push(delivery);
  batcher.push(orderEvent(11, "other", "OrderCreated", { second: 1, lane: other }));
  queue.drop(orderLane);
  await until("applied", () => queue.size() === 0);
  expect(station.db.prepare("SELECT id FROM actors").pluck().all()).toEqual(["other"]);
});

it("with too much waiting to be published it takes no more until there is room", async () => {
  const applied: number[] = [];
  const nothing: BatchResult = { handled: [], decisions: [], deadLetters: [], completeness: [], moves: [] };
  const processor: Processor = {
    apply(batch) {
      applied.push(batch.length);
      return nothing;
    },
    again: () => nothing,
    backlog: { size: () => 0, resume() {}, forget() {} },
  };
  let room = false;
  const { batcher } = batcherOf(processor, { hasRoom: () => room });
  batcher.push(orderEvent(1, "o", "OrderCreated", 1));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(applied).toEqual([]);
  room = true;
  batcher.resume();
  await until("applied", () => applied.length === 1);
});

it("while nothing can be applied it is full by bytes, headers included, and free once half of it is applied", async () => {
  using station = openStation();
  let room = false;
  const options = { hasRoom: () => room, limits: { maxDeliveries: 5, maxBytes: 1_000_000 } };
  const { batcher, queue, batches } = batcherOf(station.processor, options, 100_000);
  const large = events(20).map((delivery) => ({ ...delivery, headerBytes: 10_000 }));
  let pushed = 0;
  for (const delivery of large) {
    if (queue.room.isFull()) break;
    batcher.push(delivery);
    pushed++;
  }
  expect(pushed).toBe(9);
  let batchesWhenFree: number | undefined;
  const free = queue.room.whenFree().then(() => {
    batchesWhenFree = batches.length;
  });
  await new Promise(setImmediate);
  expect([batches, batchesWhenFree]).toEqual([[], undefined]);
  room = true;
  batcher.resume();
  await free;
  expect([queue.room.isFull(), batchesWhenFree, queue.size()]).toEqual([false, 1, 4]);
  queue.drop(orderLane);
  for (const delivery of large.slice(9)) batcher.push(delivery);
  expect(queue.room.isFull()).toBe(true);
});

it("stopping applies what is queued and takes nothing more", async () => {
  using station = openStation();
  const { batcher } = batcherOf(station.processor);
  const [last, ...first] = events(150).reverse();
  for (const delivery of first.reverse()) batcher.push(delivery);
  const stopped = batcher.stop();
  if (last !== undefined) batcher.push(last);
  await stopped;
  expect(station.db.prepare("SELECT count(*) FROM actors").pluck().get()).toBe(149);
});

it("what a stop could not commit is left to the next start, however often it is stopped", async () => {
  using station = openStation();
  let attempts = 0;
  const failing: Processor = {
    ...station.processor,
    apply(batch) {
      if (++attempts === 1) throw new Error("disk full");
      return station.processor.apply(batch);
    },
  };
  const { batcher, queue } = batcherOf(failing);
  for (const delivery of events(3)) batcher.push(delivery);
  await batcher.stop();
  await batcher.stop();
  expect([attempts, queue.size()]).toEqual([1, 3]);
});
