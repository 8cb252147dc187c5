import { expect, it } from "vitest";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { publishRaw } from "../raw-publisher.ts";
import { until } from "../until.ts";
import { event, useWire } from "./over-the-wire.ts";
import { getJson } from "./world.ts";

/** The stream takes 2 MiB here, so that what is too large for natstate can arrive at all. */
const LARGE = { NATSTATE_MAX_MESSAGE_BYTES: "1572864" };
const wire = useWire(LARGE);

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
  const before = await wire.world.streamSize("DEAD_LETTERS");
  const sent = new Map<string, { reason: string; bytes: Buffer }>();
  for (const [reason, type, body] of corpus) {
    const bytes = Buffer.from(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
    const sequence = await wire.send(`orders.x.${type}`, bytes, { "Nats-Msg-Id": `bad-${sent.size}` });
    sent.set(String(sequence), { reason, bytes });
    await wire.sendEvent("x", "LoyaltyPointsUpdated", sent.size, {
      pointsEarned: 1,
      totalPoints: sent.size,
      tierStatus: "t",
    });
  }
  await wire.world.settle(wire.daemon);
  expect(await wire.world.streamSize("DEAD_LETTERS")).toBe(before + corpus.length);
  for await (const batch of readStream(wire.world.session, "DEAD_LETTERS")) {
    for (const message of batch) {
      const original = sent.get(message.header("Natstate-Sequence") ?? "");
      expect(message.header("Natstate-Reason"), message.header("Natstate-Error")).toBe(original?.reason);
      expect(Buffer.from(message.body).equals(original?.bytes ?? Buffer.of())).toBe(true);
      expect(message.subject).toBe(`deadletters.orders.${original?.reason}`);
    }
  }
  expect(await wire.order("x")).toMatchObject({ version: corpus.length, loyaltyInfo: { totalPoints: corpus.length } });
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

it("a dead letter whose headers leave no room for ours is published without the last of them", async () => {
  const names = Array.from({ length: 220 }, (_, index) => `Nats-${"x".repeat(270)}-${index}`);
  const given = { "Nats-Msg-Id": "kept", ...Object.fromEntries(names.map((name) => [name, "y"])) };
  const sequence = await wire.send("orders.full.OrderCreated", "{", given);
  await wire.world.settle(wire.daemon);
  const messages = (await Array.fromAsync(readStream(wire.world.session, "DEAD_LETTERS"))).flat();
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
  await publishRaw(wire.world.server.url, "orders.hdr.OrderCreated", Buffer.from(bad), body);
  await until("stored", async () => (await wire.order("hdr")).orderId === "hdr");
  expect((await wire.order("hdr")).eventHistory).toMatchObject([{ correlationId: "kept" }]);
  await wire.sendEvent("after-hdr", "PaymentProcessed", 1, { amount: 1, status: "pending" });
  await wire.world.settle(wire.daemon);
  expect((await wire.order("after-hdr")).processingStatus).toBe("pending");
});

it("valid events with thousands of empty headers are dead-lettered, and hold nobody up", async () => {
  const many = Array.from({ length: 9000 }, (_, index) => `${index.toString(36)}:\r\n`).join("");
  const block = Buffer.from(`NATS/1.0\r\n${many}\r\n`);
  const fields = { amount: 1, status: "successful" };
  for (let nth = 0; nth < 60; nth++) {
    const body = JSON.stringify(event(`many-${nth}`, "PaymentProcessed", 1, fields));
    await publishRaw(wire.world.server.url, `orders.many-${nth}.PaymentProcessed`, block, body);
  }
  await wire.sendEvent("after-many", "PaymentProcessed", 1, fields);
  // 381 ms each, when parsing them takes time by the square of their number.
  await until("the next order is known", async () => (await wire.order("after-many")).orderId === "after-many", 10_000);
  await wire.world.settle(wire.daemon);
  const { deadLetters } = await getJson(wire.daemon, "/api/dead-letters?reason=too_large&limit=100");
  const error = "headers: 9000, at most 256 are read";
  expect(deadLetters.filter((one: { error: string }) => one.error === error)).toHaveLength(60);
});
