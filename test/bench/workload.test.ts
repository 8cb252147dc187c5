import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { startTestServer, type TestServer, TOPOLOGY } from "../server.ts";
import { until } from "../until.ts";
import { lastHeardMs, pauseConsumers, plainOrders, publishAll, resumeConsumers, whenAcknowledged } from "./workload.ts";

const STREAM = "ORDERS";
let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await ensureStreams(session.jsm, [orderType], TOPOLOGY);
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

it("who waits for messages while consumers are paused has them when they go on, and when the last was acknowledged is known", async () => {
  const { jsm } = session;
  const js = jetstream(session.nc);
  await jsm.consumers.add(STREAM, { durable_name: "all", ack_policy: "explicit" });
  await pauseConsumers(jsm, STREAM, 60_000);
  const arrivedMs: number[] = [];
  const acknowledgedMs: number[] = [];
  const consumer = await js.consumers.get(STREAM, "all");
  // It asks once, before there is anything, and would not again for longer than this test takes.
  const messages = await consumer.consume({
    expires: 30_000,
    callback(message) {
      arrivedMs.push(Date.now());
      acknowledgedMs.push(Date.now());
      message.ack();
    },
  });
  await publishAll(js, plainOrders({ orders: 2, seed: 1 }));
  expect(arrivedMs).toEqual([]);

  const resumedMs = await resumeConsumers(jsm, STREAM);
  // A timer may be a little early.
  expect(Date.now()).toBeGreaterThan(resumedMs - 5);
  await until("all have arrived", () => arrivedMs.length === 10, 5000);
  expect(Math.min(...arrivedMs)).toBeGreaterThanOrEqual(resumedMs);
  await whenAcknowledged(jsm, STREAM);
  const knownMs = Date.now();
  await delay(50);
  const heardMs = await lastHeardMs(jsm, STREAM);
  expect(heardMs).toBeGreaterThanOrEqual(Math.max(...acknowledgedMs));
  expect(heardMs).toBeLessThanOrEqual(knownMs);
  await messages.close();
});
