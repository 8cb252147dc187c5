import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { joinSource, withoutSource } from "../../src/flow/cloud-event.ts";
import { decode } from "../../src/flow/decode.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { deliver, orderLane } from "./delivery.ts";

const data = { amount: 10, status: "successful" };
const envelope = {
  specversion: "1.0",
  id: "1",
  source: "/payments",
  type: "com.example.PaymentProcessed",
  time: "2026-02-01T11:00:00Z",
};
const binary = Object.fromEntries(Object.entries(envelope).map(([name, value]) => [`ce-${name}`, value]));
const marked = { "content-type": "application/cloudevents+json; charset=utf-8" };

function read(body: object | string, headers: Record<string, string> = {}) {
  const result = decode(deliver(1, "orders.o-1.PaymentProcessed", body, { headers }), { maxBytes: 65_536 });
  return isRejected(result) ? `${result.reason}, ${result.error}` : result;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("identity", () => {
  it("is source and id together, in both modes", () => {
    expect(read(data, binary)).toMatchObject({ eventId: "/payments#1" });
    expect(read({ ...envelope, data })).toMatchObject({ eventId: "/payments#1" });
    expect(read({ ...envelope, source: "/refunds", data })).toMatchObject({ eventId: "/refunds#1" });
  });

  it("is the same for no two pairs, fits, and gives the id back when it is not a digest", () => {
    const text = fc.string({ unit: fc.constantFrom("#", "%", "2", "3", "5", "a", "/"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(text, text, text, text, (source, id, otherSource, otherId) => {
        const isSame = source === otherSource && id === otherId;
        expect(joinSource(source, id) === joinSource(otherSource, otherId)).toBe(isSame);
        expect(withoutSource(joinSource(source, id))).toBe(id);
      }),
    );
    expect(joinSource("/x".repeat(200), "1")).toMatch(/^[0-9a-f]{64}$/);
    expect(withoutSource("plain%id")).toBe("plain%id");
  });

  it("is the id alone without a source, and an error when one of them is no text", () => {
    expect(read({ ...envelope, source: undefined, data })).toMatchObject({ eventId: "1" });
    expect(read({ ...envelope, id: 1, data })).toBe("invalid_event, id: expected text, found a number");
    expect(read({ ...envelope, source: "", data })).toBe("invalid_event, source: expected text, found empty text");
    expect(read(data, { ...binary, "ce-id": "" })).toBe("invalid_event, ce-id: expected text, found empty text");
  });
});

it("headers are found in any case, the first of several wins", () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const shouted = Object.fromEntries(Object.entries(binary).map(([name, value]) => [name.toUpperCase(), value]));
  expect(read(data, { ...shouted, Traceparent: trace, TRACEPARENT: "" })).toMatchObject({
    eventId: "/payments#1",
    traceparent: trace,
    correlationId: "0af7651916cd43dd8448eb211c80319c",
  });
  expect(read(data, { ...binary, "nats-msg-id": "m", "natstate-correlation-id": "c" })).toMatchObject({
    eventId: "m",
    correlationId: "c",
  });
  expect(read({ ...envelope, orderId: "o-1", data }, { "Content-Type": "Application/CloudEvents" })).toMatchObject({
    type: "PaymentProcessed",
  });
});

it("attributes in headers are taken out of quotes and of their percent-encoding", () => {
  const attributes = { ...binary, "ce-source": "/caf%C3%A9%20%25", "ce-id": '"a \\"b\\""' };
  expect(read(data, attributes)).toMatchObject({ eventId: '/café %#a "b"' });
  expect(read(data, { ...binary, "ce-id": "100%" })).toMatchObject({ eventId: "/payments#100%25" });
  expect(read(data, { ...binary, "ce-source": "%C0%A0" })).toBe(
    "invalid_event, ce-source: percent-encoded bytes are not UTF-8",
  );
});

it("data_base64 is read as the JSON that it holds, under the same rules as a body", () => {
  const wrapped = (text: string, more = {}) => read({ ...envelope, data_base64: base64(text), ...more }, marked);
  expect(wrapped(JSON.stringify(data))).toMatchObject({ eventId: "/payments#1", data });
  expect(wrapped(JSON.stringify(data), { datacontenttype: "application/vnd.shop+json; charset=utf-8" })).toMatchObject({
    data,
  });
  expect(wrapped(JSON.stringify(data), { datacontenttype: "text/xml" })).toBe(
    "invalid_event, datacontenttype: expected JSON, such as application/json",
  );
  expect(wrapped("<xml/>")).toMatch(/^malformed_json, data_base64: /);
  expect(wrapped('{"__proto__":1}')).toBe("invalid_event, data_base64: the key __proto__ is not accepted");
  expect(wrapped("[".repeat(40))).toBe("invalid_event, data_base64: nested deeper than 32 levels");
  expect(read({ ...envelope, data_base64: "no base64!" }, marked)).toBe(
    "invalid_event, data_base64: expected base64 text, found text",
  );
});

it("what is no event inside an envelope is named", () => {
  expect(read({ ...envelope, data: JSON.stringify(data) }, marked)).toBe(
    "invalid_event, data: expected an object, found text; put the event there as JSON, not as text that holds it",
  );
  expect(read(envelope, marked)).toBe("invalid_event, data: expected an object, found nothing");
  expect(read({ ...envelope, data: [data] })).toBe("invalid_event, data: expected an object, found an array");
  expect(read([{ ...envelope, data }], { "content-type": "application/cloudevents-batch+json" })).toBe(
    "invalid_event, body: a batch of CloudEvents is not read; publish each event as a message of its own",
  );
});

it("a type with dots is quoted whole", () => {
  expect(read({ ...envelope, type: "com.example.PaymentLost", data })).toMatch(
    /^unknown_event_type, eventType: "com\.example\.PaymentLost" is none of /,
  );
  expect(read(data, { ...binary, "ce-type": "com.example.OrderCreated" })).toBe(
    'subject_mismatch, eventType: "com.example.OrderCreated", but the subject says "PaymentProcessed"',
  );
  expect(read({ ...envelope, type: 1, data })).toBe("invalid_event, type: expected text, found a number");
  expect(read(data, { ...binary, "ce-type": "xstate.init" })).toMatch(/^reserved_type, eventType: "xstate.init"/);
});

it("of a type with dots, the end that the subject says is the event type, else the longest that the contract has", () => {
  const events = { "payment.received": z.object({}), received: z.object({}), "card.payment.received": z.object({}) };
  const lane = { ...orderLane, type: { ...orderLane.type, events } };
  const readAs = (type: string, token: string) => {
    const given = { headers: { ...binary, "ce-type": type }, lane };
    const result = decode(deliver(1, `orders.o-1.${token}`, {}, given), { maxBytes: 65_536 });
    return isRejected(result) ? `${result.reason}, ${result.error}` : result.type;
  };
  expect(readAs("com.example.payment.received", "payment:received")).toBe("payment.received");
  expect(readAs("payment.received", "payment:received")).toBe("payment.received");
  expect(readAs("com.example.card.payment.received", "card:payment:received")).toBe("card.payment.received");
  expect(readAs("com.example.received", "received")).toBe("received");
  // Read so before the contract had one that is longer.
  expect(readAs("com.example.payment.received", "received")).toBe("received");
  expect(readAs("com.example.payment.received", "payment")).toBe(
    'subject_mismatch, eventType: "com.example.payment.received", but the subject says "payment", not "payment:received"',
  );
  expect(readAs("com.example.payment.lost", "payment:lost")).toMatch(
    /^unknown_event_type, eventType: "com\.example\.payment\.lost" is none of payment\.received, /,
  );
});

it("a type of thousands of parts takes no longer than its length does", () => {
  const type = `${"a.".repeat(8000)}PaymentProcessed`;
  const readOnce = () => {
    const startedMs = performance.now();
    expect(read({ ...envelope, type, data })).toMatchObject({ type: "PaymentProcessed" });
    return performance.now() - startedMs;
  };
  // A hash for each of its ends took 95 ms.
  expect(Math.min(...Array.from({ length: 5 }, readOnce))).toBeLessThan(20);
});
