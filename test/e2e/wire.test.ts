import { describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { event, useWire } from "./over-the-wire.ts";
import { getJson, traffic } from "./world.ts";

const type = orderType as ActorType;
const wire = useWire();

describe("the article's tests (docs/order.md), over the wire", () => {
  it("out-of-order events are all captured, and one decision is published", async () => {
    await wire.sendEvent("order-123", "PaymentProcessed", 2, { status: "successful", amount: 99.99 });
    await wire.sendEvent("order-123", "ShippingCalculated", 3, { shippingCost: 10, estimatedDays: 3 });
    await wire.sendEvent("order-123", "OrderCreated", 0, {
      customerId: "customer-456",
      totalAmount: 99.99,
      currency: "USD",
    });
    await wire.sendEvent("order-123", "InventoryReserved", 1, {
      reservedItems: { "sku-1": 2 },
      warehouseId: "warehouse-west",
    });
    await wire.world.settle(wire.daemon);
    expect(await wire.order("order-123")).toMatchObject({
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
    const decisions = await wire.decisionsOf("order-123");
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
      await wire.sendEvent("order-789", "OrderCreated", 1, {
        customerId: "customer-999",
        totalAmount: 150,
        currency: "EUR",
      });
    }
    await wire.world.settle(wire.daemon);
    expect((await wire.order("order-789")).eventHistory).toMatchObject([{ eventType: "OrderCreated", duplicates: 2 }]);
  });
});

it("correlation, cause and trace travel from the event to its decision", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await wire.sendEvent("traced", "PaymentProcessed", 1, { status: "failed", amount: 1 });
  const caused = event("traced", "InventoryReserved", 2, {
    eventId: "cause",
    reservedItems: {},
    warehouseId: "w",
  });
  await wire.send("orders.traced.InventoryReserved", caused, { traceparent });
  await wire.world.settle(wire.daemon);
  const [decision] = await wire.decisionsOf("traced");
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
  await wire.send("orders.cloud.OrderCreated", data, { ...binary, "ce-time": "2026-02-01T00:00:00Z" });
  await wire.send(
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
  await wire.world.settle(wire.daemon);
  const { eventHistory } = await wire.order("cloud");
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
  await wire.send(
    "orders.met.PaymentProcessed",
    { amount: 1, status: "pending" },
    ce("/checkout", "PaymentProcessed", 1),
  );
  await wire.send("orders.met.PaymentProcessed", paid, ce("/bank", "PaymentProcessed", 2));
  await wire.sendEvent("met", "LoyaltyPointsUpdated", 3, {
    eventId: "/stock#1",
    pointsEarned: 1,
    totalPoints: 1,
    tierStatus: "t",
  });
  await wire.send("orders.met.InventoryReserved", stock, ce("/stock", "InventoryReserved", 4));
  await wire.send("orders.met.PaymentProcessed", { ...paid, status: "failed" }, ce("/bank", "PaymentProcessed", 2));
  await wire.world.settle(wire.daemon);
  expect(await wire.order("met")).toMatchObject({
    processingStatus: "confirmed",
    eventHistory: [
      { eventId: "/checkout#1", conflicts: 0 },
      { eventId: "/bank#1", conflicts: 1, duplicates: 0 },
      { eventId: "/stock#1", eventType: "LoyaltyPointsUpdated" },
      { eventId: "/stock#1", eventType: "InventoryReserved" },
    ],
  });
  const decisions = (await wire.decisionsOf("met")).map(({ body }) => body);
  expect(decisions).toMatchObject([{ basedOn: ["/bank#1", "/stock#1"], causationId: "/stock#1" }]);
  expect(wire.daemon.output()).toMatch(/"actorId":"met".*conflict/);
  const metrics = await (await fetch(`${wire.daemon.httpUrl}/metrics`)).text();
  expect(metrics).toContain('event_type="PaymentProcessed",outcome="conflict"} 1');
  expect(
    await runCli(["verify", "--order", "met"], { NATS_URL: wire.world.server.url, NATSTATE_DATA: wire.world.dataDir }),
  ).toMatchObject({
    code: 0,
  });
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
  await wire.world.publish([...messages, ...again]);
  await wire.world.settle(wire.daemon);
  // A revision is published when the content changes; what caused it, and when, is the history's own.
  const strip = ({ lastUpdated, eventHistory, decision, ...facts }: Record<string, unknown>) =>
    renamed(JSON.stringify({ ...facts, decision: decision && decodeContent(type, JSON.stringify(decision)) }));
  const ids = [...new Set(messages.flatMap((message) => message.actorId ?? []))];
  expect(ids).toHaveLength(80);
  for (const id of ids) expect(strip(await wire.order(renamed(id)))).toBe(strip(await wire.order(id)));
});

it("one event at rest is decided within milliseconds", async () => {
  await wire.sendEvent("quick", "PaymentProcessed", 1, { status: "successful", amount: 1 });
  await wire.world.settle(wire.daemon);
  const subscription = wire.world.session.nc.subscribe("decisions.orders.quick");
  await wire.world.session.nc.flush();
  const startedMs = performance.now();
  await wire.sendEvent("quick", "InventoryReserved", 2, { reservedItems: { a: 1 }, warehouseId: "w" });
  for await (const _message of subscription) break;
  expect(performance.now() - startedMs).toBeLessThan(250);
});

it("lag falls to zero and readiness says so", async () => {
  await until("no lag", async () => {
    const { ready, checks } = await getJson(wire.daemon, "/readyz");
    return ready && /^0 /.test(checks.lag.detail);
  });
});
