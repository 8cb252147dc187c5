import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openWorld, type World } from "../e2e/world.ts";
import { until } from "../until.ts";
import { type Collector, openCollector } from "./collector.ts";

const PRODUCER = 4;
const CONSUMER = 5;
const ERROR = 2;

let collector: Collector;
let world: World;

beforeEach(async () => {
  collector = await openCollector();
  world = await openWorld();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

const traceIdOf = (index: number) => String(index).padStart(32, "a");
const SPAN = "b".repeat(16);
const traceparentOf = (traceId: string, sampled = "01") => `00-${traceId}-${SPAN}-${sampled}`;

/** An event of a publisher that traces. */
async function send(orderId: string, eventType: string, fields: object, traceparent: string) {
  const header = headers();
  header.set("traceparent", traceparent);
  const body = { orderId, eventType, eventId: `${orderId}-${eventType}`, timestamp: "2026-01-01T10:00:00Z", ...fields };
  await world.session.js.publish(`orders.${orderId}.${eventType}`, JSON.stringify(body), { headers: header });
}

const pay = (id: string, traceId: string, sampled?: string) =>
  send(
    id,
    "PaymentProcessed",
    { amount: 1, status: "successful", correlationId: "cart" },
    traceparentOf(traceId, sampled),
  );
const reserve = (id: string, traceId: string, sampled?: string) =>
  send(id, "InventoryReserved", { reservedItems: { sku: 1 }, warehouseId: "west" }, traceparentOf(traceId, sampled));

const find = (kind: number, traceId: string) =>
  collector.spans.find((span) => span.kind === kind && span.traceId === traceId);
const env = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });

it("with OTEL_EXPORTER_OTLP_ENDPOINT one trace tells the whole story: the publisher, its event, the decision it caused", async () => {
  await world.start(env());
  await pay("t1", traceIdOf(1));
  await reserve("t1", traceIdOf(2));
  const publish = await until("the decision's span", () => find(PRODUCER, traceIdOf(2)));
  const process = await until("the event's span", () => find(CONSUMER, traceIdOf(2)));
  expect(process).toMatchObject({
    name: "process orders.{orderId}.InventoryReserved",
    parentSpanId: SPAN,
    links: [{ traceId: traceIdOf(2), spanId: SPAN }],
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": "orders.t1.InventoryReserved",
      "messaging.destination.template": "orders.{orderId}.InventoryReserved",
      "messaging.message.id": "t1-InventoryReserved",
      "messaging.consumer.group.name": expect.stringMatching(/^orders-\d+$/),
      "natstate.actor.id": "t1",
      "natstate.actor.type": "order",
      "natstate.outcome": "applied",
      "natstate.revision": 1,
      "natstate.stream.sequence": 2,
    },
  });
  expect(publish).toMatchObject({
    name: "publish decisions.orders.{orderId}",
    parentSpanId: process.spanId,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.name": "decisions.orders.t1",
      "messaging.message.id": "orders:t1:1",
      "natstate.decision.type": "OrderConfirmed",
      "natstate.revision": 1,
    },
  });
  expect(Math.abs(Date.now() - publish.endMs)).toBeLessThan(60_000);
  expect(publish.startMs).toBeLessThanOrEqual(publish.endMs);
  expect(process.startMs).toBeLessThanOrEqual(publish.startMs);
  expect(find(CONSUMER, traceIdOf(1))?.attributes).toMatchObject({ "messaging.message.conversation_id": "cart" });
  expect(collector.resource).toMatchObject({ "service.name": "natstate" });
  expect([...collector.contentTypes]).toEqual(["application/json"]);
  const decision = await world.session.jsm.streams.getMessage("DECISIONS", { seq: 1 });
  expect(decision?.header.get("traceparent"), "stays the cause's").toBe(`00-${traceIdOf(2)}-${SPAN}-01`);
});

it("with OTEL_EXPORTER_OTLP_ENDPOINT what becomes of each event is told: doubles, and what can never be processed", async () => {
  await world.start({ ...env(), OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test" });
  await pay("t1", traceIdOf(1));
  await pay("t1", traceIdOf(2));
  await send("t1", "PaymentProcessed", { amount: -1, status: "successful" }, traceparentOf(traceIdOf(3)));
  await until("three spans", () => collector.spans.length === 3);
  const outcomes = collector.spans.map((span) => span.attributes["natstate.outcome"]);
  expect(outcomes.toSorted()).toEqual(["applied", "duplicate", "rejected"]);
  expect(find(CONSUMER, traceIdOf(3))).toMatchObject({
    status: { code: ERROR, message: expect.stringContaining("amount") },
    attributes: { "error.type": "invalid_event" },
  });
  expect(collector.resource).toMatchObject({ "service.name": "shop", "deployment.environment": "test" });
});

it("with OTEL_EXPORTER_OTLP_ENDPOINT a publisher that does not sample is followed, and stopping sends what is left", async () => {
  const daemon = await world.start(env());
  await pay("t1", traceIdOf(1), "00");
  await pay("t2", traceIdOf(2), "01");
  await world.settle(daemon);
  expect(await daemon.stop()).toBe(0);
  expect(collector.spans.map((span) => span.traceId)).toEqual([traceIdOf(2)]);
});

it("with OTEL_EXPORTER_OTLP_ENDPOINT a collector that refuses is told of, once", async () => {
  collector.status = 400;
  const daemon = await world.start(env());
  const warnings = () => daemon.output().split("spans cannot be sent").length - 1;
  await pay("t1", traceIdOf(1));
  await until("a warning", () => warnings() > 0);
  await pay("t2", traceIdOf(2));
  await until("both were sent", () => collector.spans.length === 2);
  await daemon.stop();
  expect(warnings()).toBe(1);
});

it("with OTEL_EXPORTER_OTLP_ENDPOINT a collector that is away costs no decision, and no end", async () => {
  const daemon = await world.start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  await pay("t1", traceIdOf(1));
  await reserve("t1", traceIdOf(2));
  await world.settle(daemon);
  const before = performance.now();
  expect(await daemon.stop()).toBe(0);
  expect(performance.now() - before).toBeLessThan(8000);
  expect(daemon.output()).not.toContain("unhandled");
});

it("without it the SDK is not even loaded", async () => {
  const coverage = join(world.dataDir, "coverage");
  const daemon = await world.start({ NODE_V8_COVERAGE: coverage });
  await pay("t1", traceIdOf(1));
  await world.settle(daemon);
  expect(await daemon.stop()).toBe(0);
  const loaded = readdirSync(coverage)
    .map((name) => readFileSync(join(coverage, name), "utf8"))
    .join();
  expect(loaded).toContain("src/ops/traces.ts");
  expect(loaded).not.toMatch(/@opentelemetry\/(sdk|exporter|resources)|trace-exporter|trace-spans/);
});
