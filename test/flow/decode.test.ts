import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode } from "../../src/flow/decode.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { deliver, orderLane } from "./delivery.ts";

const limits = { maxBytes: 65_536 };
const payment = {
  orderId: "o-1",
  eventType: "PaymentProcessed",
  timestamp: "2026-02-01T12:00:00+01:00",
  amount: 10,
  status: "successful",
};

function read(
  body: string | Uint8Array | object,
  headers?: Record<string, string>,
  subject = "orders.o-1.PaymentProcessed",
) {
  return decode(deliver(1, subject, body, { headers }), limits);
}

function rejection(body: string | Uint8Array | object, subject?: string): string {
  const result = read(body, {}, subject);
  return isRejected(result) ? result.reason : `accepted ${JSON.stringify(result)}`;
}

it("an event stored in a partition that is not its actor's is refused there: two owners would decide about it", () => {
  const lane = { ...orderLane, holds: (actorId: string) => actorId !== "o-1" };
  const result = decode(deliver(1, "orders.o-1.PaymentProcessed", payment, { lane }), limits);
  expect(result).toMatchObject({
    reason: "subject_mismatch",
    error: expect.stringContaining("not of partition 3, in which it was stored"),
  });
  expect(lanesOf(orderLane.type, 16).filter(({ holds }) => holds?.("o-1"))).toHaveLength(1);
});

describe("what is refused, and as what", () => {
  const cases: [string, string, string | Uint8Array | object, string?][] = [
    ["not JSON", "malformed_json", "hello"],
    ["empty", "malformed_json", ""],
    ["truncated", "malformed_json", '{"orderId":"o-1"'],
    ["NaN", "malformed_json", '{"amount":NaN}'],
    ["wrong UTF-8", "malformed_json", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
    ["an array", "invalid_event", "[]"],
    ["null", "invalid_event", "null"],
    ["nested too deep", "invalid_event", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
    ["nested 100,000 deep", "too_large", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["1 MiB", "too_large", JSON.stringify({ ...payment, note: "x".repeat(1_048_576) })],
    ["__proto__", "invalid_event", '{"__proto__":{"amount":1},"orderId":"o-1"}'],
    ["escaped __proto__", "invalid_event", `{"a":{"\\u005f_proto__":1},${JSON.stringify(payment).slice(1)}`],
    [
      "text that is no Unicode",
      "invalid_event",
      `${JSON.stringify({ ...payment, eventId: "e" }).slice(0, -1)},"x":"\\ud800"}`,
    ],
    [
      "a key that is no Unicode",
      "invalid_event",
      `${JSON.stringify({ ...payment, eventId: "e" }).slice(0, -1)},"\\udc00":1}`,
    ],
    ["no id, and a number no JSON can repeat", "invalid_event", `${JSON.stringify(payment).slice(0, -1)},"x":1e999}`],
    ["amount as text", "invalid_event", { ...payment, amount: "10" }],
    ["infinite amount", "invalid_event", JSON.stringify(payment).replace("10", "1e999")],
    ["negative amount", "invalid_event", { ...payment, amount: -1 }],
    ["unknown status", "invalid_event", { ...payment, status: "maybe" }],
    ["no timestamp", "invalid_event", { ...payment, timestamp: undefined }],
    ["no zone", "invalid_event", { ...payment, timestamp: "2026-02-01T12:00:00" }],
    ["no event type", "invalid_event", { ...payment, eventType: undefined }],
    ["no order id", "invalid_event", { ...payment, orderId: undefined }],
    ["event id as number", "invalid_event", { ...payment, eventId: 5 }],
    ["unknown type", "unknown_event_type", { ...payment, eventType: "PaymentLost" }, "orders.o-1.PaymentLost"],
    ["constructor as type", "unknown_event_type", { ...payment, eventType: "constructor" }],
    ["reserved type", "reserved_type", { ...payment, eventType: "xstate.done.actor.0" }],
    ["another order", "subject_mismatch", { ...payment, orderId: "o-2" }],
    ["another type", "subject_mismatch", payment, "orders.o-1.OrderCreated"],
    ["far future", "timestamp_out_of_range", { ...payment, timestamp: "2026-03-02T00:00:01Z" }],
  ];
  it.each(cases)("%s is %s", (_name, reason, body, subject) => {
    expect(rejection(body, subject)).toBe(reason);
  });

  it("a rejection cannot be forged by a body that looks like one", () => {
    expect(rejection({ reason: "too_large", error: "x" })).toBe("invalid_event");
  });

  it("explains itself in one printable line", () => {
    const result = read({ ...payment, status: "\n\u202e" });
    expect(isRejected(result) && result.error).toMatch(/^status: [\x20-\x7e]+$/);
  });
});

describe("what is read", () => {
  it("unknown extra fields are dropped, times are brought to UTC", () => {
    expect(read({ ...payment, eventId: "e1", extra: 1 })).toEqual({
      actorId: "o-1",
      type: "PaymentProcessed",
      eventId: "e1",
      timestamp: "2026-02-01T11:00:00.000Z",
      correlationId: null,
      traceparent: null,
      data: { amount: 10, status: "successful" },
    });
  });

  it("an event is known by eventId, Nats-Msg-Id, a CloudEvent's source and id, or its canonical JSON", () => {
    const id = (body: object, headers?: Record<string, string>) => {
      const result = read(body, headers);
      return isRejected(result) ? result : result.eventId;
    };
    const ce = { "ce-specversion": "1.0", "ce-id": "c1", "ce-type": "PaymentProcessed" };
    expect(id({ ...payment, eventId: "e1" }, { ...ce, "Nats-Msg-Id": "m1" })).toBe("e1");
    expect(id(payment, { ...ce, "Nats-Msg-Id": "m1" })).toBe("m1");
    expect(id(payment, { ...ce, "ce-source": "/pay" })).toBe("/pay#c1");
    expect(id(payment, ce)).toBe("c1");
    const canonical = `{"amount":10,"eventType":"PaymentProcessed","orderId":"o-1","status":"successful","timestamp":"2026-02-01T12:00:00+01:00"}`;
    expect(id(payment)).toBe(createHash("sha256").update(canonical).digest("hex"));
    expect(id(Object.fromEntries(Object.entries(payment).reverse()))).toBe(id(payment));
  });

  it("correlation comes from the field, else the header, else the trace", () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = { "Natstate-Correlation-Id": "h", traceparent: trace };
    const correlation = (body: object, given: Record<string, string>) => {
      const result = read(body, given);
      return isRejected(result) ? result : result.correlationId;
    };
    expect(correlation({ ...payment, correlationId: "c" }, headers)).toBe("c");
    expect(correlation(payment, headers)).toBe("h");
    expect(correlation(payment, { traceparent: trace })).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(correlation(payment, { traceparent: "nonsense" })).toBeNull();
  });

  it("CloudEvents are read in binary and in structured mode", () => {
    const data = { amount: 10, status: "successful" };
    const time = "2026-02-01T11:00:00Z";
    const binary = read(data, {
      "ce-specversion": "1.0",
      "ce-id": "c1",
      "ce-source": "/payments",
      "ce-type": "com.example.PaymentProcessed",
      "ce-time": time,
      "ce-subject": "o-1",
    });
    const structured = read({
      specversion: "1.0",
      id: "c1",
      source: "/payments",
      type: "PaymentProcessed",
      time,
      subject: "o-1",
      data,
    });
    expect(binary).toMatchObject({ actorId: "o-1", eventId: "/payments#c1", type: "PaymentProcessed", data });
    expect(structured).toEqual(binary);
  });
});

it("whatever the bytes, decoding returns and never throws", () => {
  const nearly = fc
    .tuple(fc.constantFrom(...Object.keys(payment)), fc.jsonValue())
    .map(([key, value]) => JSON.stringify({ ...payment, [key]: value }));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => Buffer.from(json)),
    nearly,
  );
  fc.assert(
    fc.property(bytes, (body) => {
      const result = read(body);
      if (!isRejected(result)) expect(result.data).toMatchObject({ status: expect.any(String) });
    }),
    { numRuns: 2000 },
  );
});
