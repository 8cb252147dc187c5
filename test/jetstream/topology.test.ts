import { afterAll, beforeAll, expect, it } from "vitest";
import type { ActorType } from "../../machines/actor-type.ts";
import { orderType } from "../../machines/order/order.ts";
import { partitionOf } from "../../src/jetstream/names.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureConsumer, ensureStreams, type TopologyOptions } from "../../src/jetstream/topology.ts";
import { startTestServer, type TestServer } from "../server.ts";

const type = orderType as ActorType;
const options: TopologyOptions = {
  partitions: 16,
  replicas: 1,
  maxAgeMs: 3_600_000,
  maxMessageBytes: 65_536,
  denyPurge: false,
  manage: true,
};
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

it("streams and consumers are created once and found again", async () => {
  await expect(ensureStreams(session.jsm, [type], { ...options, manage: false })).rejects.toThrow(/MANAGE_STREAMS/);
  const created = await ensureStreams(session.jsm, [type], options);
  expect(created).toMatchObject([{ name: "ORDERS", lastSequence: 0 }]);
  expect(await ensureStreams(session.jsm, [type], { ...options, manage: false })).toEqual(created);
  const lane = { type, stream: "ORDERS", partition: 0 };
  await ensureConsumer(session.jsm, lane, true);
  await ensureConsumer(session.jsm, lane, false);
});

it.each([
  ["partitions", { partitions: 8 }, /stream ORDERS is not as configured: subject_transform/],
  ["max age", { maxAgeMs: 1_800_000 }, /max_age is 3600000000000, expected 1800000000000/],
  ["message size", { maxMessageBytes: 1024 }, /max_msg_size is 65536, expected 1024/],
])("a different setting of %s is refused and changes nothing", async (_name, change, message) => {
  await expect(ensureStreams(session.jsm, [type], { ...options, ...change })).rejects.toThrow(message);
  await ensureStreams(session.jsm, [type], options);
});

it("the server puts an order into the partition we compute", async () => {
  await ensureStreams(session.jsm, [type], options);
  const ids = Array.from({ length: 200 }, (_, i) => `Order_${i * 7919}:${i}-x`);
  const acks = await Promise.all(ids.map((id) => session.js.publish(`orders.${id}.OrderCreated`, "{}")));
  for (const [index, ack] of acks.entries()) {
    const message = await session.jsm.streams.getMessage("ORDERS", { seq: ack.seq });
    const id = ids[index] ?? "";
    expect(message?.subject).toBe(`orders.${partitionOf(id, 16)}.${id}.OrderCreated`);
  }
});
