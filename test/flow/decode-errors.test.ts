import { expect, it } from "vitest";
import { decode } from "../../src/flow/decode.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { deliver } from "./delivery.ts";

/*
 * What a publisher is told: the field, what was expected, what kind of thing was there and what to do; never a value.
 */
const payment = {
  orderId: "o-1",
  eventType: "PaymentProcessed",
  timestamp: "2026-02-01T11:00:00Z",
  amount: 10,
  status: "successful",
};
const shipping = { ...payment, eventType: "ShippingCalculated", shippingCost: 1, estimatedDays: 1 };
const created = { ...payment, eventType: "OrderCreated", customerId: "c", totalAmount: 1, currency: "EUR" };

function errorOf(body: object | string | Uint8Array, headers?: Record<string, string>, type = "PaymentProcessed") {
  const result = decode(deliver(1, `orders.o-1.${type}`, body, { headers }), { maxBytes: 65_536 });
  return isRejected(result) ? `${result.reason}, ${result.error}` : `accepted as ${result.eventId}`;
}

it.each<[string, object | string | Uint8Array, Record<string, string>?]>([
  ["invalid_event, orderId: expected text, found a number", { ...payment, orderId: 1 }],
  ["invalid_event, orderId: expected text, found nothing", { ...payment, orderId: undefined }],
  ["invalid_event, orderId: expected 1 to 128 of A-Z a-z 0-9 _ - :, found text", { ...payment, orderId: "a b" }],
  ["invalid_event, eventType: expected text, found a number", { ...payment, eventType: 1 }],
  ["invalid_event, eventType: expected text, found nothing", { ...payment, eventType: undefined }],
  [
    "invalid_event, timestamp: expected text such as 2026-01-31T12:00:00Z, found a number",
    { ...payment, timestamp: 1 },
  ],
  ["invalid_event, timestamp: expected text such as 2026-01-31T12:00:00Z, found null", { ...payment, timestamp: null }],
  [
    "invalid_event, timestamp: expected RFC 3339 with a zone, for example 2026-01-31T12:00:00Z, found text",
    { ...payment, timestamp: "yesterday" },
  ],
  ["invalid_event, eventId: expected text, found a number", { ...payment, eventId: 7 }],
  [
    "invalid_event, eventId: expected text of 1 to 256 characters, found empty text; leave it out",
    { ...payment, eventId: "" },
  ],
  [
    "invalid_event, eventId: expected text of 1 to 256 characters, found text of 257 characters",
    { ...payment, eventId: "x".repeat(257) },
  ],
  [
    "invalid_event, correlationId: expected text of 1 to 256 characters, found empty text; leave it out",
    { ...payment, correlationId: "" },
  ],
  ["invalid_event, correlationId: expected text, found an object", { ...payment, correlationId: {} }],
  [
    "invalid_event, Nats-Msg-Id: expected text of 1 to 256 characters, found text of 300 characters",
    payment,
    { "Nats-Msg-Id": "x".repeat(300) },
  ],
  ["invalid_event, amount: expected a number, found text", { ...payment, amount: "10" }],
  ["invalid_event, amount: expected a number, found null", { ...payment, amount: null }],
  ["invalid_event, amount: expected number to be >=0, found a number", { ...payment, amount: -1 }],
  ["invalid_event, status: expected one of pending, successful, failed, found text", { ...payment, status: "maybe" }],
  ["invalid_event, method: expected text, found null; leave it out when it is not known", { ...payment, method: null }],
  ["invalid_event, body: expected an object, found an array", "[]"],
  ["invalid_event, body: expected an object, found null", "null"],
  [
    "malformed_json, body: begins with a byte order mark (BOM); send UTF-8 without one",
    `\uFEFF${JSON.stringify(payment)}`,
  ],
  [
    "timestamp_out_of_range, timestamp: before 1970, as a time is that nobody has set (Go's zero time is 0001-01-01T00:00:00Z); send when it happened",
    { ...payment, timestamp: "0001-01-01T00:00:00Z" },
  ],
])("%s", (error, body, headers) => {
  expect(errorOf(body, headers)).toBe(error);
});

it("fields of the other types and deep inside are named, too", () => {
  expect(errorOf({ ...shipping, estimatedDays: 1.5 }, {}, "ShippingCalculated")).toBe(
    "invalid_event, estimatedDays: expected a whole number, found a fraction",
  );
  expect(errorOf({ ...shipping, carrierOptions: [{ name: "a", cost: null }] }, {}, "ShippingCalculated")).toBe(
    "invalid_event, carrierOptions.0.cost: expected a number, found null; leave it out when it is not known",
  );
  expect(errorOf({ ...created, items: [{ sku: "s", quantity: "2" }] }, {}, "OrderCreated")).toBe(
    "invalid_event, items.0.quantity: expected a number, found text",
  );
  expect(errorOf({ ...created, currency: "euro" }, {}, "OrderCreated")).toBe(
    "invalid_event, currency: expected an ISO 4217 code such as EUR, found text",
  );
});

it("the first moment of 1970 is a time; null for an id or a correlation says that there is none", () => {
  expect(errorOf({ ...payment, eventId: "e", timestamp: "1970-01-01T00:00:00Z" })).toBe("accepted as e");
  expect(errorOf({ ...payment, timestamp: "1969-12-31T23:59:59.999999999Z" })).toMatch(/^timestamp_out_of_range/);
  expect(errorOf({ ...payment, eventId: null, correlationId: null }, { "Nats-Msg-Id": "m" })).toBe("accepted as m");
});
