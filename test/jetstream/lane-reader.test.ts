import { headers, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { Room } from "../../src/flow/delivery-queue.ts";
import { deliveredOf } from "../../src/jetstream/delivery-audit.ts";
import { examineConsumer } from "../../src/jetstream/lane-consumer.ts";
import { type LaneReader, readLane } from "../../src/jetstream/lane-reader.ts";
import type { Doubt } from "../../src/jetstream/lane-session.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

const lane: Lane = { ...orderLane, partition: 0 };
let server: TestServer;
let session: Session;
let published = 0;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await ensureStreams(session.jsm, [lane.type], {
    partitions: 1,
    replicas: 1,
    maxAgeMs: 3_600_000,
    maxMessageBytes: 65_536,
    denyPurge: false,
    manage: true,
  });
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

interface Reading extends AsyncDisposable {
  readonly reader: LaneReader;
  readonly sequences: number[];
  readonly doubts: Doubt[];
  readonly mended: string[];
  readonly bodies: string[];
  checkpoint: number;
}

/** Reads like the daemon does, as if every delivery were committed at once unless `commit` says otherwise. */
function read(
  from: number,
  commit: (delivery: Delivery) => boolean = () => true,
  on = session,
  { manage = true, room }: { manage?: boolean; room?: Room } = {},
): Reading {
  const reading = {
    sequences: [] as number[],
    doubts: [] as Doubt[],
    mended: [] as string[],
    bodies: [] as string[],
    checkpoint: from,
  } as Reading;
  const reader = readLane({
    jsm: on.jsm,
    js: on.js,
    lane,
    manage,
    prepare: () => Promise.resolve(),
    checkpoint: () => reading.checkpoint,
    onDelivery(delivery) {
      reading.sequences.push(delivery.sequence);
      reading.bodies.push(Buffer.from(delivery.body).toString());
      if (!commit(delivery)) return;
      reading.checkpoint = delivery.sequence;
      delivery.ack();
    },
    onDoubt: (reason) => reading.doubts.push(reason),
    room,
    onChanged: () => {},
    onMended: (differences) => reading.mended.push(...differences),
  });
  return Object.assign(reading, { reader, [Symbol.asyncDispose]: () => reader.release() });
}

async function publish(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => session.js.publish(`orders.o-${++published}.X`, "{}")));
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

beforeEach(() => publish(10));

it("reads from the checkpoint in stream order, whatever was acknowledged before", async () => {
  {
    await using first = read(0);
    await until("all read", () => first.checkpoint === published);
    expect(first.sequences).toEqual(range(1, published));
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

it("a deleted consumer is made anew and nothing is missed", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.delete("ORDERS", "orders-0");
  await publish(5);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 14, published));
  expect(reading.doubts).toContain("consumer_lost");
});

it("a consumer that somebody reset is noticed, and nothing is applied out of order", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.reset("ORDERS", "orders-0", 1);
  await publish(3);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 12, published));
  expect(reading.doubts).toContain("gap");
});

it.each([
  ["another partition's messages", { filter_subject: "orders.1.>" }],
  ["some of its messages only", { filter_subject: "orders.0.*.Y" }],
  ["headers only", { headers_only: true }],
])(
  "a consumer that somebody made give %s gives what it gave, and nothing is missed or doubled",
  async (_name, edit) => {
    await using reading = read(published - 10);
    await until("caught up", () => reading.checkpoint === published);
    const from = published;
    await session.jsm.consumers.update("ORDERS", "orders-0", edit);
    await publish(3);
    const { reader } = reading;
    await until("read on", async () => {
      const info = await session.jsm.consumers.info("ORDERS", "orders-0");
      const { isChanged } = examineConsumer(lane, info);
      if (isChanged && reader.isReading()) reader.doubt("consumer_changed");
      return !isChanged && reading.checkpoint === published;
    });
    expect(reading.sequences).toEqual(range(from - 9, published));
    expect(reading.mended.join()).toContain(Object.keys(edit)[0]);
  },
);

it("a message that comes without the body that is stored ends the session, before anybody looked", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: true });
  await publish(3);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 12, published));
  expect(reading.bodies).not.toContain("");
  expect(reading.doubts).toContain("consumer_changed");
});

it("an empty message whose publisher says it had a body is given on as it is", async () => {
  await using reading = read(published);
  await until("reading", () => reading.reader.isReading());
  const header = headers();
  header.set("Nats-Msg-Size", "17");
  await session.js.publish("orders.empty.X", "", { headers: header });
  published++;
  await publish(1);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.bodies).toEqual(["", "{}"]);
  expect(reading.doubts).toEqual([]);
});

it("where consumers may not be changed, a changed one is not read, and the command that mends it is told", async () => {
  await using reading = read(published);
  await until("reading", () => reading.reader.isReading());
  await reading.reader.release();
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: true, max_ack_pending: 7 });
  await using other = read(published, undefined, session, { manage: false });
  const trouble = await until("told", () => other.reader.trouble());
  expect(trouble).toMatch(
    /headers_only is true, .*nats consumer edit ORDERS orders-0 --max-pending 2000 --no-headers-only$/,
  );
  expect(other.reader.isReading()).toBe(false);
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: false, max_ack_pending: 2000 });
  await until("reading again", () => other.reader.isReading());
  expect(other.reader.trouble()).toBeUndefined();
});

it("an owner that lost its pin stands back and the other reads from its own checkpoint", async () => {
  const other = await openSession({ url: server.url, name: "other" }, () => {});
  {
    await using first = read(published - 10);
    await until("caught up", () => first.checkpoint === published);
    await using second = read(published, undefined, other);
    await until("second is reading", () => second.reader.isReading());
    await publish(5);
    await until("second read on", () => second.checkpoint === published);
    expect(second.sequences).toEqual(range(published - 4, published));
    expect(first.checkpoint === published || first.checkpoint === published - 5).toBe(true);
  }
  await other.close();
});

it("an owner keeps its pin while nothing happens", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const startedMs = performance.now();
  await publish(1);
  await until("read on", () => reading.checkpoint === published);
  expect(performance.now() - startedMs).toBeLessThan(500);
  expect(reading.doubts).toEqual([]);
});

it("a reset by another owner, between ours and the first delivery, skips nothing", async () => {
  const from = published - 10;
  let resets = 0;
  const consumers = Object.create(session.jsm.consumers, {
    reset: {
      async value(stream: string, name: string, sequence: number) {
        await session.jsm.consumers.reset(stream, name, sequence);
        if (resets++ === 0) await session.jsm.consumers.reset(stream, name, sequence + 5);
      },
    },
  });
  const raced = { ...session, jsm: Object.create(session.jsm, { consumers: { value: consumers } }) };
  await using reading = read(from, undefined, raced);
  await until("caught up", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(reading.doubts).toContain("gap");
});

/** A pull that takes what it gets and never says a word, as that of an owner that has just been frozen. */
function pullAway(): { stop(): void; got(): number } {
  let got = 0;
  const inbox = session.newInbox();
  const subscription = session.nc.subscribe(inbox, {
    callback(_error, message) {
      if (message.data.length > 0) got++;
    },
  });
  const request = JSON.stringify({ batch: 1000, expires: nanos(20_000), group: "owner" });
  session.nc.publish("$JS.API.CONSUMER.MSG.NEXT.ORDERS.orders-0", request, { reply: inbox });
  return { stop: () => subscription.unsubscribe(), got: () => got };
}

it("a request that another client has left there does not get what is ours", async () => {
  const from = published - 10;
  const other = pullAway();
  await session.nc.flush();
  const startedMs = performance.now();
  await using reading = read(from);
  await until("caught up", () => reading.checkpoint === published);
  other.stop();
  expect(other.got()).toBeGreaterThan(0);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

it("what was delivered to another client is noticed when the server is asked, long before it comes again", async () => {
  const from = published - 10;
  let other: ReturnType<typeof pullAway> | undefined;
  const consumers = Object.create(session.jsm.consumers, {
    reset: {
      async value(stream: string, name: string, sequence: number) {
        await session.jsm.consumers.reset(stream, name, sequence);
        if (other !== undefined) return;
        other = pullAway();
        await until("it has them", () => (other?.got() ?? 0) === 10);
      },
    },
  });
  const raced = { ...session, jsm: Object.create(session.jsm, { consumers: { value: consumers } }) };
  await using reading = read(from, undefined, raced);
  await until("reading", () => reading.reader.isReading());
  expect(reading.reader.isCaughtUp()).toBe(false);
  const startedMs = performance.now();
  await until("caught up", async () => {
    const askedAtMs = performance.now();
    const info = await session.jsm.consumers.info("ORDERS", "orders-0");
    reading.reader.audit(deliveredOf(info, askedAtMs));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return reading.reader.isCaughtUp();
  });
  other?.stop();
  expect(performance.now() - startedMs).toBeLessThan(4000);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(reading.doubts).toEqual(["gap"]);
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
    ...{ jsm: session.jsm, js: session.js, lane, manage: true, checkpoint: () => published },
    prepare: async () => {
      if (isAway) throw new Error("not connected");
    },
    ...{ onDelivery() {}, onDoubt() {}, onChanged() {}, onMended() {} },
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
