import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { consumeDecisions, type OrderDecision, orderContract } from "../../machines/order/client.ts";
import { startProgram } from "../e2e/cli-run.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

let server: TestServer;
let nc: NatsConnection;
/** Durables and orders of one test. */
let name = "";
let tests = 0;

beforeAll(async () => {
  server = await startTestServer();
  nc = await connect({ servers: server.url });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: "DECISIONS", subjects: ["decisions.orders.*", "decisions.claims.*"] });
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});
beforeEach(async () => {
  name = `t${++tests}`;
  await (await jetstreamManager(nc)).streams.purge("DECISIONS");
});

async function decide(id: string, revision: number, fields: object = { warehouseId: "w", estimatedDays: 2 }) {
  const body = {
    ...{ decisionType: "OrderConfirmed", orderId: id, revision, supersedes: revision === 1 ? null : revision - 1 },
    ...{ decidedAt: null, dataCompleteness: 40, basedOn: [], causationId: "e", correlationId: null, ...fields },
  };
  await jetstream(nc).publish(`decisions.orders.${id}`, JSON.stringify(body));
}

const told = ({ orderId, revision }: OrderDecision) => `${orderId}:${revision}`;
const quiet = { onError: () => {}, retryDelayMs: () => 20 };

/** Nobody is being handed anything, nor will be. */
async function settled(durable = name) {
  const jsm = await jetstreamManager(nc);
  await until("nothing is left", async () => {
    const { num_pending, num_ack_pending } = await jsm.consumers.info("DECISIONS", durable);
    return num_pending === 0 && num_ack_pending === 0;
  });
}

/** With less patience than natstate's own. */
async function impatient(ackWaitMs: number) {
  const jsm = await jetstreamManager(nc);
  await jsm.consumers.add("DECISIONS", {
    ...{ durable_name: name, filter_subject: "decisions.orders.*", ack_policy: "explicit" },
    ack_wait: ackWaitMs * 1_000_000,
  });
}

it("each decision is handed over, in order, and not to who comes later", async () => {
  await decide("o1", 1);
  await decide("o1", 2);
  const heard: string[] = [];
  const options = { ...quiet, durable: name, handler: (decision: OrderDecision) => void heard.push(told(decision)) };
  const first = await consumeDecisions(jetstream(nc), orderContract, options);
  await settled();
  await first.stop();
  await decide("o1", 3);
  const second = await consumeDecisions(jetstream(nc), orderContract, options);
  await settled();
  await second.stop();
  expect(heard).toEqual(["o1:1", "o1:2", "o1:3"]);
});

it("what a handler throws brings that decision back, later each time, and holds up nobody else", async () => {
  await decide("o1", 1);
  await decide("o2", 1);
  const heard: [string, number][] = [];
  const errors: unknown[] = [];
  const delays: number[] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    durable: name,
    concurrency: 1,
    retryDelayMs: (attempt) => delays.push(attempt) * 50,
    onError: (error, decision) => errors.push((error as Error).message, decision?.orderId),
    handler(decision, { attempt }) {
      heard.push([told(decision), attempt]);
      if (decision.orderId === "o1" && attempt < 3) throw new Error("busy");
    },
  });
  await settled();
  await consumer.stop();
  expect(heard).toEqual([
    ["o1:1", 1],
    ["o2:1", 1],
    ["o1:1", 2],
    ["o1:1", 3],
  ]);
  expect(errors).toEqual(["busy", "o1", "busy", "o1"]);
  expect(delays).toEqual([1, 2]);
});

it("a process that is killed between handler and acknowledgement: the decision comes to another one", async () => {
  await impatient(500);
  await decide("o1", 1);
  const env = { NATS_URL: server.url, DURABLE: name };
  const args = ["--conditions=natstate-source", "test/client/killed-consumer.ts"];
  const killed = await startProgram(process.execPath, args, env).ran;
  expect(killed).toMatchObject({ stdout: "handled o1 1\n", stderr: "" });
  const heard: [string, number][] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    ...quiet,
    durable: name,
    handler: (decision, { attempt }) => void heard.push([told(decision), attempt]),
  });
  await settled();
  await consumer.stop();
  expect(heard).toEqual([["o1:1", 2]]);
});

it("two that share a durable share the work: each decision is handled once", async () => {
  const heard: string[][] = [[], []];
  const consumers = await Promise.all(
    heard.map((mine) =>
      consumeDecisions(jetstream(nc), orderContract, {
        ...quiet,
        durable: name,
        async handler(decision) {
          mine.push(told(decision));
          await until("both have work", () => heard.every(({ length }) => length > 0));
        },
      }),
    ),
  );
  const orders = Array.from({ length: 40 }, (_, index) => `o${index}`);
  for (const order of orders) await decide(order, 1);
  await settled();
  for (const consumer of consumers) await consumer.stop();
  expect(heard.flat().sort()).toEqual(orders.map((order) => `${order}:1`).sort());
});

it("a revision that changes nothing is acknowledged and not handed over", async () => {
  for (const revision of [2, 1, 3, 3]) await decide("o1", revision);
  await decide("o2", 1);
  const stands = new Map([["o1", 2]]);
  const heard: string[] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    ...quiet,
    durable: name,
    standing: async (id) => stands.get(id),
    handler(decision) {
      heard.push(told(decision));
      stands.set(decision.orderId, decision.revision);
    },
  });
  await settled();
  await consumer.stop();
  expect(heard.sort()).toEqual(["o1:3", "o2:1"]);
});

it("a handler may take longer than the server waits, and stopping waits for it", async () => {
  await impatient(300);
  await decide("o1", 1);
  await decide("o1", 2);
  const heard: string[] = [];
  let finish = () => {};
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    ...quiet,
    durable: name,
    async handler(decision, { attempt }) {
      heard.push(`${told(decision)} ${attempt}`);
      if (decision.revision === 1) await new Promise<void>((resolve) => (finish = resolve));
    },
  });
  const jsm = await jetstreamManager(nc);
  const startedAt = Date.now();
  await until("three waits are over", () => Date.now() - startedAt > 900);
  expect((await jsm.consumers.info("DECISIONS", name)).num_redelivered).toBe(0);
  const stopped = consumer.stop();
  finish();
  await stopped;
  expect(heard).toEqual(["o1:1 1", "o1:2 1"]);
  await settled();
});

it("what is no decision is told and kept for a contract that knows it", async () => {
  await decide("o1", 1, { decisionType: "OrderLost" });
  await decide("o2", 1);
  const errors: string[] = [];
  const heard: string[] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    durable: name,
    retryDelayMs: () => 60_000,
    onError: (error) => errors.push((error as Error).message),
    handler: (decision) => void heard.push(told(decision)),
  });
  await until("both are heard", () => heard.length + errors.length === 2);
  await consumer.stop();
  expect({ heard, errors }).toEqual({ heard: ["o2:1"], errors: [expect.stringMatching(/^decisionType: expected/)] });
  const jsm = await jetstreamManager(nc);
  expect((await jsm.consumers.info("DECISIONS", name)).num_ack_pending).toBe(1);
});

it("a delay that cannot be told keeps none of an actor's decisions back for good", async () => {
  await impatient(500);
  await decide("o1", 1);
  await decide("o1", 2);
  const heard: string[] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    durable: name,
    onError: () => {},
    retryDelayMs() {
      throw new Error("no such delay");
    },
    handler(decision, { attempt }) {
      if (attempt === 1) throw new Error("busy");
      heard.push(told(decision));
    },
  });
  await settled();
  await consumer.stop();
  expect(heard.sort()).toEqual(["o1:1", "o1:2"]);
});

it("a durable that somebody deletes is made again", async () => {
  const jsm = await jetstreamManager(nc);
  const heard: string[] = [];
  const errors: unknown[] = [];
  const consumer = await consumeDecisions(jetstream(nc), orderContract, {
    durable: name,
    onError: (error) => errors.push(error),
    handler: (decision) => void heard.push(told(decision)),
  });
  await jsm.consumers.delete("DECISIONS", name);
  await decide("o1", 1);
  await until("it is heard", () => heard.length > 0);
  await consumer.stop();
  expect(heard).toEqual(["o1:1"]);
  expect(errors).toHaveLength(1);
});

it("it ends with its connection", async () => {
  const own = await connect({ servers: server.url });
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push((error as Error).name);
  const consumer = await consumeDecisions(jetstream(own), orderContract, { durable: name, onError, handler() {} });
  await own.close();
  await consumer.stop();
  expect(new Set(errors)).toEqual(new Set(errors.length === 0 ? [] : ["ClosedConnectionError"]));
});

it("a consumer of something else is not used", async () => {
  const jsm = await jetstreamManager(nc);
  const other = { durable_name: name, ack_policy: "explicit", filter_subject: "decisions.claims.*" } as const;
  await jsm.consumers.add("DECISIONS", other);
  const consuming = consumeDecisions(jetstream(nc), orderContract, { durable: name, handler() {} });
  await expect(consuming).rejects.toThrow(`consumer ${name} hears decisions.claims.*, not decisions.orders.*`);
});
