import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import type { StoredMessage } from "../../src/flow/delivery.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { publishRaw } from "../raw-publisher.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, traffic, type World } from "./world.ts";

/** The stream takes 2 MiB here, so that what is too large for natstate can arrive at all. */
const LARGE = { NATSTATE_MAX_MESSAGE_BYTES: "1572864" };
const type = orderType as ActorType;
const BASE = Date.parse("2026-02-01T00:00:00Z");

let world: World;
let daemon: DaemonProcess;

beforeAll(async () => {
  world = await openWorld();
  daemon = await world.start(LARGE);
});
afterAll(() => world[Symbol.asyncDispose]());

async function send(
  subject: string,
  body: object | string | Uint8Array,
  given: Record<string, string> = {},
): Promise<number> {
  const header = headers();
  for (const [name, value] of Object.entries(given)) header.set(name, value);
  const payload = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return (await world.session.js.publish(subject, payload, { headers: header })).seq;
}

function event(orderId: string, eventType: string, second: number, fields: object) {
  return { orderId, eventType, timestamp: new Date(BASE + second * 1000).toISOString(), ...fields };
}

const sendEvent = (orderId: string, type: string, second: number, fields: object, given?: Record<string, string>) =>
  send(`orders.${orderId}.${type}`, event(orderId, type, second, fields), given);

const order = (id: string) => getJson(daemon, `/api/orders/${id}`);

async function decisionsOf(id: string): Promise<{ body: Record<string, unknown>; message: StoredMessage }[]> {
  const messages = (await Array.fromAsync(readStream(world.session, "DECISIONS"))).flat();
  return messages
    .filter(({ subject }) => subject === `decisions.orders.${id}`)
    .map((message) => ({ body: JSON.parse(Buffer.from(message.body).toString()), message }));
}

describe("the article's tests (docs/order.md), over the wire", () => {
  it("out-of-order events are all captured, and one decision is published", async () => {
    await sendEvent("order-123", "PaymentProcessed", 2, { status: "successful", amount: 99.99 });
    await sendEvent("order-123", "ShippingCalculated", 3, { shippingCost: 10, estimatedDays: 3 });
    await sendEvent("order-123", "OrderCreated", 0, {
      customerId: "customer-456",
      totalAmount: 99.99,
      currency: "USD",
    });
    await sendEvent("order-123", "InventoryReserved", 1, {
      reservedItems: { "sku-1": 2 },
      warehouseId: "warehouse-west",
    });
    await world.settle(daemon);
    expect(await order("order-123")).toMatchObject({
      orderId: "order-123",
      processingStatus: "confirmed",
      customerInfo: { customerId: "customer-456", orderAmount: 99.99, currency: "USD" },
      paymentInfo: { status: "successful" },
      inventoryStatus: { reservedItems: { "sku-1": 2 }, warehouseId: "warehouse-west" },
      shippingInfo: { cost: 10, estimatedDays: 3 },
      loyaltyInfo: null,
      dataCompleteness: 80,
      waitingFor: ["LoyaltyPointsUpdated"],
    });
    const decisions = await decisionsOf("order-123");
    expect(decisions.map(({ body }) => body)).toMatchObject([
      {
        decisionType: "OrderConfirmed",
        revision: 1,
        supersedes: null,
        warehouseId: "warehouse-west",
        estimatedDays: 3,
      },
    ]);
  });

  it("the same event three times is in the history once", async () => {
    for (let i = 0; i < 3; i++) {
      await sendEvent("order-789", "OrderCreated", 1, {
        customerId: "customer-999",
        totalAmount: 150,
        currency: "EUR",
      });
    }
    await world.settle(daemon);
    expect((await order("order-789")).eventHistory).toMatchObject([{ eventType: "OrderCreated", duplicates: 2 }]);
  });
});

it("correlation, cause and trace travel from the event to its decision", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await sendEvent("traced", "PaymentProcessed", 1, { status: "failed", amount: 1 });
  await sendEvent(
    "traced",
    "InventoryReserved",
    2,
    { eventId: "cause", reservedItems: {}, warehouseId: "w" },
    { traceparent },
  );
  await world.settle(daemon);
  const [decision] = await decisionsOf("traced");
  expect(decision?.body).toMatchObject({
    decisionType: "OrderRejected",
    reason: "Payment failed",
    causationId: "cause",
    correlationId: "0af7651916cd43dd8448eb211c80319c",
    decidedAt: "2026-02-01T00:00:02.000Z",
  });
  expect(decision?.message.header("traceparent")).toBe(traceparent);
  expect(decision?.message.header("Nats-Msg-Id")).toBe("orders:traced:1");
  expect(decision?.message.header("Natstate-Revision")).toBe("1");
});

it("CloudEvents are accepted in both modes", async () => {
  const data = { customerId: "c", totalAmount: 1, currency: "EUR" };
  const binary = { "ce-specversion": "1.0", "ce-id": "b1", "ce-source": "/shop", "ce-type": "OrderCreated" };
  await send("orders.cloud.OrderCreated", data, { ...binary, "ce-time": "2026-02-01T00:00:00Z" });
  await send(
    "orders.cloud.PaymentProcessed",
    {
      specversion: "1.0",
      id: "s1",
      source: "/pay",
      type: "PaymentProcessed",
      time: "2026-02-01T00:00:01Z",
      data: { amount: 1, status: "pending" },
    },
    { "content-type": "application/cloudevents+json" },
  );
  await world.settle(daemon);
  const { eventHistory } = await order("cloud");
  expect(eventHistory.map(({ eventId }: { eventId: string }) => eventId)).toEqual(["/shop#b1", "/pay#s1"]);
});

it("facts of two services and of two types keep apart under one id; another fact under a known one is a conflict", async () => {
  const paid = { amount: 1, status: "successful" };
  const stock = { reservedItems: { "sku-1": 1 }, warehouseId: "w" };
  const ce = (source: string, type: string, second: number) => ({
    "Ce-Specversion": "1.0",
    "CE-ID": "1",
    "Ce-Source": source,
    "ce-type": `com.example.${type}`,
    "ce-time": event("met", type, second, {}).timestamp,
  });
  await send("orders.met.PaymentProcessed", { amount: 1, status: "pending" }, ce("/checkout", "PaymentProcessed", 1));
  await send("orders.met.PaymentProcessed", paid, ce("/bank", "PaymentProcessed", 2));
  await sendEvent("met", "LoyaltyPointsUpdated", 3, {
    eventId: "/stock#1",
    pointsEarned: 1,
    totalPoints: 1,
    tierStatus: "t",
  });
  await send("orders.met.InventoryReserved", stock, ce("/stock", "InventoryReserved", 4));
  await send("orders.met.PaymentProcessed", { ...paid, status: "failed" }, ce("/bank", "PaymentProcessed", 2));
  await world.settle(daemon);
  expect(await order("met")).toMatchObject({
    processingStatus: "confirmed",
    eventHistory: [
      { eventId: "/checkout#1", conflicts: 0 },
      { eventId: "/bank#1", conflicts: 1, duplicates: 0 },
      { eventId: "/stock#1", eventType: "LoyaltyPointsUpdated" },
      { eventId: "/stock#1", eventType: "InventoryReserved" },
    ],
  });
  const decisions = (await decisionsOf("met")).map(({ body }) => body);
  expect(decisions).toMatchObject([{ basedOn: ["/bank#1", "/stock#1"], causationId: "/stock#1" }]);
  expect(daemon.output()).toMatch(/"actorId":"met".*conflict/);
  const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(metrics).toContain('event_type="PaymentProcessed",outcome="conflict"} 1');
  expect(
    await runCli(["verify", "--order", "met"], { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir }),
  ).toMatchObject({
    code: 0,
  });
});

it("bad input is kept once with its reason and bytes, and harms nobody", async () => {
  const good = event("x", "PaymentProcessed", 1, { amount: 1, status: "pending" });
  const corpus: [string, string, object | string | Uint8Array, string][] = [
    ["malformed_json", "PaymentProcessed", "not json", "not JSON"],
    ["malformed_json", "PaymentProcessed", new Uint8Array([0x22, 0xc3, 0x28, 0x22]), "wrong UTF-8"],
    ["malformed_json", "PaymentProcessed", "", "empty"],
    ["malformed_json", "PaymentProcessed", `{"amount": NaN}`, "NaN"],
    ["too_large", "PaymentProcessed", { ...good, note: "x".repeat(1_048_576) }, "1 MiB"],
    ["too_large", "PaymentProcessed", "[".repeat(100_000) + "]".repeat(100_000), "nested 100,000 deep"],
    ["invalid_event", "PaymentProcessed", "[".repeat(20_000) + "]".repeat(20_000), "nested 20,000 deep"],
    ["invalid_event", "PaymentProcessed", `{"__proto__":{"polluted":1},${JSON.stringify(good).slice(1)}`, "__proto__"],
    ["invalid_event", "PaymentProcessed", { ...good, amount: "1" }, "wrong type"],
    ["invalid_event", "PaymentProcessed", JSON.stringify(good).replace('"amount":1', '"amount":1e999'), "infinite"],
    ["unknown_event_type", "PaymentLost", { ...good, eventType: "PaymentLost" }, "unknown type"],
    ["subject_mismatch", "PaymentProcessed", { ...good, orderId: "y" }, "another order"],
    ["reserved_type", "xstate", { ...good, eventType: "xstate.stop" }, "reserved"],
    ["timestamp_out_of_range", "PaymentProcessed", { ...good, timestamp: "2199-01-01T00:00:00Z" }, "far future"],
  ];
  const before = await world.streamSize("DEAD_LETTERS");
  const sent = new Map<string, { reason: string; bytes: Buffer }>();
  for (const [reason, type, body] of corpus) {
    const bytes = Buffer.from(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
    const sequence = await send(`orders.x.${type}`, bytes, { "Nats-Msg-Id": `bad-${sent.size}` });
    sent.set(String(sequence), { reason, bytes });
    await sendEvent("x", "LoyaltyPointsUpdated", sent.size, {
      pointsEarned: 1,
      totalPoints: sent.size,
      tierStatus: "t",
    });
  }
  await world.settle(daemon);
  expect(await world.streamSize("DEAD_LETTERS")).toBe(before + corpus.length);
  for await (const batch of readStream(world.session, "DEAD_LETTERS")) {
    for (const message of batch) {
      const original = sent.get(message.header("Natstate-Sequence") ?? "");
      expect(message.header("Natstate-Reason"), message.header("Natstate-Error")).toBe(original?.reason);
      expect(Buffer.from(message.body).equals(original?.bytes ?? Buffer.of())).toBe(true);
      expect(message.subject).toBe(`deadletters.orders.${original?.reason}`);
    }
  }
  expect(await order("x")).toMatchObject({ version: corpus.length, loyaltyInfo: { totalPoints: corpus.length } });
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

it("a dead letter whose headers leave no room for ours is published without the last of them", async () => {
  const names = Array.from({ length: 220 }, (_, index) => `Nats-${"x".repeat(270)}-${index}`);
  const given = { "Nats-Msg-Id": "kept", ...Object.fromEntries(names.map((name) => [name, "y"])) };
  const sequence = await send("orders.full.OrderCreated", "{", given);
  await world.settle(daemon);
  const messages = (await Array.fromAsync(readStream(world.session, "DEAD_LETTERS"))).flat();
  const found = messages.filter(({ header }) => header("Natstate-Sequence") === String(sequence));
  expect(found.map((message) => message.header("Natstate-Original-Nats-Msg-Id"))).toEqual(["kept"]);
  const leftOut = Number(found[0]?.header("Natstate-Headers-Left-Out"));
  expect(leftOut).toBeGreaterThan(0);
  const kept = names.filter((name) => found[0]?.header(`Natstate-Original-${name}`) === "y");
  expect(kept).toEqual(names.slice(0, names.length - leftOut));
});

it("a message with headers the client cannot read stops nobody", async () => {
  const bad = "NATS/1.0\r\nFoo Bar: x\r\nce\u0000-id: y\r\nNatstate-Correlation-Id: kept\r\n\r\n";
  const body = JSON.stringify(event("hdr", "OrderCreated", 1, { customerId: "c", totalAmount: 1, currency: "EUR" }));
  await publishRaw(world.server.url, "orders.hdr.OrderCreated", Buffer.from(bad), body);
  await until("stored", async () => (await order("hdr")).orderId === "hdr");
  expect((await order("hdr")).eventHistory).toMatchObject([{ correlationId: "kept" }]);
  await sendEvent("after-hdr", "PaymentProcessed", 1, { amount: 1, status: "pending" });
  await world.settle(daemon);
  expect((await order("after-hdr")).processingStatus).toBe("pending");
});

it("valid events with thousands of empty headers are dead-lettered, and hold nobody up", async () => {
  const many = Array.from({ length: 9000 }, (_, index) => `${index.toString(36)}:\r\n`).join("");
  const block = Buffer.from(`NATS/1.0\r\n${many}\r\n`);
  const fields = { amount: 1, status: "successful" };
  for (let nth = 0; nth < 60; nth++) {
    const body = JSON.stringify(event(`many-${nth}`, "PaymentProcessed", 1, fields));
    await publishRaw(world.server.url, `orders.many-${nth}.PaymentProcessed`, block, body);
  }
  await sendEvent("after-many", "PaymentProcessed", 1, fields);
  // 381 ms each, when parsing them takes time by the square of their number.
  await until("the next order is known", async () => (await order("after-many")).orderId === "after-many", 10_000);
  await world.settle(daemon);
  const { deadLetters } = await getJson(daemon, "/api/dead-letters?reason=too_large&limit=100");
  const error = "headers: 9000, at most 256 are read";
  expect(deadLetters.filter((one: { error: string }) => one.error === error)).toHaveLength(60);
});

it("the same history in two arrival orders gives the same orders and the same standing decisions", async () => {
  const messages = traffic(80, 21, { malformed: 0, idPrefix: "first-" });
  const renamed = (text: string) => text.replaceAll("first-", "other-");
  const shuffled = messages
    .map((message, index) => ({ message, rank: (index * 7919 + 13) % messages.length }))
    .sort((a, b) => a.rank - b.rank);
  const again = shuffled.map(({ message }) => ({
    ...message,
    subject: renamed(message.subject),
    body: renamed(String(message.body)),
    headers: JSON.parse(renamed(JSON.stringify(message.headers ?? {}))),
    actorId: renamed(message.actorId ?? ""),
  }));
  await world.publish([...messages, ...again]);
  await world.settle(daemon);
  // A revision is published when the content changes; what caused it, and when, is the history's own.
  const strip = ({ lastUpdated, eventHistory, decision, ...facts }: Record<string, unknown>) =>
    renamed(JSON.stringify({ ...facts, decision: decision && decodeContent(type, JSON.stringify(decision)) }));
  const ids = [...new Set(messages.flatMap((message) => message.actorId ?? []))];
  expect(ids).toHaveLength(80);
  for (const id of ids) expect(strip(await order(renamed(id)))).toBe(strip(await order(id)));
});

it("one event at rest is decided within milliseconds", async () => {
  await sendEvent("quick", "PaymentProcessed", 1, { status: "successful", amount: 1 });
  await world.settle(daemon);
  const subscription = world.session.nc.subscribe("decisions.orders.quick");
  await world.session.nc.flush();
  const startedMs = performance.now();
  await sendEvent("quick", "InventoryReserved", 2, { reservedItems: { a: 1 }, warehouseId: "w" });
  for await (const _message of subscription) break;
  expect(performance.now() - startedMs).toBeLessThan(250);
});

it("lag falls to zero and readiness says so", async () => {
  await until("no lag", async () => {
    const { ready, checks } = await getJson(daemon, "/readyz");
    return ready && /^0 /.test(checks.lag.detail);
  });
});
