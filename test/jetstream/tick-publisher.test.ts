import { setTimeout as delay } from "node:timers/promises";
import { PermissionViolationError } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decode } from "../../src/flow/decode.ts";
import { toDelivery } from "../../src/flow/delivery.ts";
import { askLag } from "../../src/jetstream/lag.ts";
import { createStreamPublisher, type StreamMessage, type StreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { createTickPublisher } from "../../src/jetstream/tick-publisher.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { createLanes } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { waitingType } from "../flow/waiting-type.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

const type = waitingType();
const lanes = createLanes([type], 4);
const lane = lanes.ofActor(type, "c-1");
const due = "2026-01-01T10:00:00.000Z";
const tick = { lane, actorId: "c-1", due };

let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  const settings = { partitions: 4, replicas: 1, maxAgeMs: 3_600_000, maxMessageBytes: 65_536, maxBytes: undefined };
  await ensureStreams(session.jsm, [type], { ...settings, denyPurge: false, manage: true }, () => {});
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

it("a tick is stored among its actor's events, as often as it is published, and read as one", async () => {
  const streams = createStreamPublisher(session, 5000);
  const published: string[] = [];
  const publisher = createTickPublisher(streams, ({ name }) => void published.push(name));
  publisher.publish(tick);
  publisher.publish(tick);
  await until("both are acknowledged", () => published.length === 2);
  streams.stop();
  for (const seq of [1, 2]) {
    const stored = await session.jsm.streams.getMessage("CLAIMS", { seq });
    expect(stored?.subject).toBe(`claims.${lane.partition}.c-1.TimePassed`);
    expect(stored?.header.has("Nats-Msg-Id")).toBe(false);
    expect(stored?.header.get("Nats-Expected-Stream")).toBe("CLAIMS");
    const message = {
      ...{ sequence: seq, subject: stored?.subject ?? "", body: stored?.data ?? Buffer.of(), headers: () => [] },
      ...{ header: () => undefined, storedAtMs: stored?.time.getTime() ?? 0 },
    };
    expect(decode(toDelivery(lane, message), { maxBytes: 65_536 })).toMatchObject({
      ...{ actorId: "c-1", type: "TimePassed", eventId: `time:${due}`, timestamp: due, data: {} },
    });
  }
  expect(publisher.troubles()).toEqual([]);
});

it("the stream says its own time with how far its lanes are, before it says that nothing is left", async () => {
  await session.jsm.consumers.add("CLAIMS", { durable_name: `claims-${lane.partition}`, ack_policy: "explicit" });
  const before = Date.now();
  const [found] = await askLag(session.jsm, [lane]);
  expect(found).toMatchObject({ status: "fulfilled", value: { lag: 2 } });
  const { streamMs = 0 } = found?.status === "fulfilled" ? found.value : {};
  expect(Math.abs(streamMs - before)).toBeLessThan(2000);
});

/** Answers as a server does that refuses, until it does not. */
function refusing(error: Error) {
  const sent: StreamMessage[] = [];
  let isRefused = true;
  const streams: Pick<StreamPublisher, "publish"> = {
    async publish(message) {
      sent.push(message);
      if (isRefused) throw error;
      return { stream: "CLAIMS", seq: sent.length, duplicate: false };
    },
  };
  const end = () => {
    isRefused = false;
  };
  return { streams, sent, end };
}

it("a denied tick says what to add, and only one is tried in 10 s until it is allowed", async () => {
  const clock = createTestClock();
  const error = new PermissionViolationError("Permissions Violation", "publish", "claims.c-1.TimePassed");
  const { streams, sent, end } = refusing(error);
  const publisher = createTickPublisher(streams, () => {}, clock);
  publisher.publish(tick);
  await delay(0);
  expect(publisher.troubles()).toEqual([
    'NATS does not let this user publish claims.*.TimePassed, so delays of claims do not end: add "claims.*.TimePassed" to what the processor may publish (docs/nats-secure.conf)',
  ]);
  for (let second = 0; second < 20; second++) {
    publisher.publish(tick);
    await clock.pass(1000);
  }
  expect(sent).toHaveLength(2);
  end();
  publisher.publish(tick);
  await delay(0);
  expect([sent.length, publisher.troubles()]).toEqual([3, []]);
});

it("one that does not get in is not sent again by itself; that none gets in is said after 10 s", async () => {
  const clock = createTestClock();
  const { streams, sent } = refusing(new Error("no room"));
  const publisher = createTickPublisher(streams, () => {}, clock);
  publisher.publish(tick);
  await delay(0);
  await clock.pass(9999);
  expect([sent.length, publisher.troubles()]).toEqual([1, []]);
  await clock.pass(1);
  expect(publisher.troubles()).toEqual([expect.stringMatching(/^no tick of claims gets in.*\(no room\)/)]);
});
