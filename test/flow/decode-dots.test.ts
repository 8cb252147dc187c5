import { expect, it } from "vitest";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { checkEvent } from "../../src/flow/check-event.ts";
import { decode } from "../../src/flow/decode.ts";
import { storedDelivery } from "../../src/flow/event-row.ts";
import { eventSubject, eventTypeOf } from "../../src/wire/names.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { deliver, orderLane } from "./delivery.ts";

const events = { "payment.received": z.object({ amount: z.number() }), payment: z.object({}) };
const lane = { ...orderLane, type: { ...orderLane.type, events } as ActorType };
const event = { orderId: "o-1", eventType: "payment.received", timestamp: "2026-02-01T12:00:00Z", amount: 1 };

function read(subject: string, fields: object = {}) {
  const result = decode(deliver(1, subject, { ...event, ...fields }, { lane }), { maxBytes: 65_536 });
  return isRejected(result) ? result.reason : result.type;
}

it("a dot of an event type is a colon in its subject, which stays one token, and no two types meet", () => {
  const types = ["payment.received", "payment", "payment_received", "a.b.c"];
  const subjects = types.map((type) => eventSubject(lane.type, "o:1", type));
  expect(subjects).toEqual([
    "orders.o:1.payment:received",
    "orders.o:1.payment",
    "orders.o:1.payment_received",
    "orders.o:1.a:b:c",
  ]);
  expect(subjects.map(eventTypeOf)).toEqual(types);
});

it("an event is read when its subject says the same", () => {
  expect(read("orders.o-1.payment:received")).toBe("payment.received");
  expect(read("orders.o-1.payment", { eventType: "payment" })).toBe("payment");
});

it.each([
  ["orders.o-1.payment", {}, "subject_mismatch"],
  ["orders.o-1.payment.received", {}, "subject_mismatch"],
  ["orders.o-1.payment:received", { eventType: "payment" }, "subject_mismatch"],
  ["orders.o-1.payment:received", { eventType: "payment:received" }, "unknown_event_type"],
  ["orders.o-1.payment:lost", { eventType: "payment.lost" }, "unknown_event_type"],
  ["orders.o-1.xstate:init", { eventType: "xstate.init" }, "reserved_type"],
])("%s with %j is %s", (subject, fields, reason) => {
  expect(read(subject, fields)).toBe(reason);
});

it("a publisher is told the same, and a stored event is made as it was", () => {
  const body = Buffer.from(JSON.stringify(event));
  const check = (subject: string) => checkEvent(lane.type, { subject, body }, 65_536)?.reason;
  expect(check(eventSubject(lane.type, "o-1", event.eventType))).toBeUndefined();
  expect(check("orders.o-1.payment.received")).toBe("subject_mismatch");
  const row = { type: "payment.received", eventId: "e", timestamp: event.timestamp, correlationId: null };
  const made = storedDelivery(lane, "o-1", { ...row, body: '{"amount":1}', sequence: 1, storedAtMs: 0 } as never);
  expect(made.subject).toBe("orders.3.o-1.payment:received");
});

it("whoever mixes up dots and colons is told which is where", () => {
  const errorOf = (subject: string, fields: object = {}) => {
    const result = decode(deliver(1, subject, { ...event, ...fields }, { lane }), { maxBytes: 65_536 });
    return isRejected(result) ? result.error : result.type;
  };
  expect(errorOf("orders.o-1.payment:received", { eventType: "payment:received" })).toBe(
    'eventType: "payment:received" is none of payment.received, payment; only its subject has colons: payment.received',
  );
  expect(errorOf("orders.o-1.payment_received")).toBe(
    'eventType: "payment.received", but the subject says "payment_received", not "payment:received"',
  );
  // Without dots there is nothing to mix up.
  expect(errorOf("orders.o-1.paid", { eventType: "payment" })).toBe(
    'eventType: "payment", but the subject says "paid"',
  );
});
