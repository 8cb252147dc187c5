import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { Clock } from "../../src/flow/clock.ts";
import { createMissingMessages } from "../../src/jetstream/missing-messages.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { orderLane } from "../flow/delivery.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

/** Sequences 1 to 20: odd ones are of `one`, even ones of `two`. */
const one: Lane = { ...orderLane, partition: 1 };
const two: Lane = { ...orderLane, partition: 2 };
let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
});
afterAll(async () => {
  await session.close();
  await server.stop();
});
beforeEach(async () => {
  await session.jsm.streams.delete("ORDERS").catch(() => {});
  await session.jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  await publish(20);
});

async function publish(count: number): Promise<void> {
  for (let index = 1; index <= count; index++) await session.js.publish(`orders.${2 - (index % 2)}.o-${index}.X`, "{}");
}

const purge = (filter: string) => session.jsm.streams.purge("ORDERS", { filter });

/** Whoever waits is called at once. */
const HASTY: Clock = {
  now: () => 0,
  after(_ms, work) {
    setImmediate(work);
    return () => {};
  },
};

/** What a daemon knows that has read each lane so far. */
function knowing(
  intact: readonly (readonly [Lane, number])[],
  queued: () => number[] = () => [],
  clock: Clock = HASTY,
) {
  const positions = new Map<Lane, number>(intact);
  const intactTo = (lane: Lane) => positions.get(lane) ?? 0;
  const saveCompleteTo = (lanes: ReadonlyMap<Lane, number>) => {
    for (const [lane, to] of lanes) positions.set(lane, Math.max(to, intactTo(lane)));
  };
  const missing = createMissingMessages(session.jsm, { intactTo, saveCompleteTo }, queued, clock);
  const applied = (lane: Lane, sequences: readonly number[]) =>
    missing.applied({
      handled: sequences.map((sequence) => ({ delivery: { lane, sequence } })),
    } as unknown as BatchResult);
  return { ...missing, applied, intactTo };
}

it("messages between others that are gone unread are refused, though later ones are there", async () => {
  await purge("orders.2.o-14.X");
  const { check } = knowing([
    [one, 20],
    [two, 12],
  ]);
  await expect(check([one, two])).rejects.toThrow(
    /no longer has messages between 14 and 14 that were never read \(partitions 2,.*--accept-stream ORDERS/,
  );
  await expect(check([one])).resolves.toBeUndefined();
});

it("messages at the end that are gone unread are refused, with nothing behind them", async () => {
  await session.jsm.streams.purge("ORDERS");
  const known = knowing([
    [one, 20],
    [two, 19],
  ]);
  await expect(known.check([one, two])).rejects.toThrow(/between 20 and 20/);
});

it("what another lane of ours has applied is nobody's loss, wherever it was, and is noted", async () => {
  const known = knowing([
    [one, 0],
    [two, 0],
  ]);
  known.applied(one, [1, 3, 5, 7]);
  await purge("orders.1.o-5.X");
  await expect(known.check([one, two])).resolves.toBeUndefined();
  known.applied(two, [2, 4, 6, 8]);
  await session.jsm.streams.purge("ORDERS", { seq: 9 });
  await expect(known.check([one, two])).resolves.toBeUndefined();
  expect([known.intactTo(one), known.intactTo(two)]).toEqual([8, 8]);
  await purge("orders.2.o-10.X");
  await expect(known.check([one, two])).rejects.toThrow(/between 10 and 10/);
});

it("what has arrived and is not applied yet is waited for", async () => {
  const waiting = [14];
  const clock = createTestClock();
  const known = knowing(
    [
      [one, 20],
      [two, 12],
    ],
    () => waiting,
    clock,
  );
  await purge("orders.2.o-14.X");
  const checking = known.check([two]);
  for (let look = 1; look <= 4; look++) {
    await until("it waits", () => clock.waiting() > 0);
    if (look === 4) known.applied(two, waiting.splice(0));
    await clock.pass(300);
  }
  await expect(checking).resolves.toBeUndefined();
});

it("a stream that never had a message misses none", async () => {
  await session.jsm.streams.delete("ORDERS");
  await session.jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  const known = knowing([[one, -1]]);
  await expect(known.check([one, two])).resolves.toBeUndefined();
  await known.accept([one, two]);
  expect([known.intactTo(one), known.intactTo(two)]).toEqual([0, 0]);
});

it("a loss that was accepted is none any more, a later one is", async () => {
  await session.jsm.streams.purge("ORDERS", { seq: 4 });
  await purge("orders.2.o-14.X");
  const known = knowing([]);
  await expect(known.check([one, two])).rejects.toThrow(/between 1 and 14/);
  await known.accept([one, two]);
  await expect(known.check([one, two])).resolves.toBeUndefined();
  await purge("orders.2.o-16.X");
  await expect(known.check([one, two])).rejects.toThrow(/between 16 and 16/);
});
