import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { decode } from "../../src/flow/decode.ts";
import { decisionSubject, eventSubject, querySubject } from "../../src/wire/names.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { deliver } from "../flow/delivery.ts";
import { fuzz } from "./fuzz.ts";

const type = orderType as ActorType;
const limits = { maxBytes: 65_536 };

/** Longer runs are decoder.slow.test.ts and `npm run fuzz`. */
it("4,000 messages are accepted or rejected as the contract says, quickly and without a crash", () => {
  const { failures, outcomes, kinds } = fuzz(4000, 3);
  expect(failures).toEqual([]);
  // A run in which everything is noise would prove nothing.
  expect(outcomes.accepted).toBeGreaterThan(800);
  expect(Object.keys(outcomes).length).toBe(8);
  expect(Object.keys(kinds).length).toBe(5);
});

it.each([
  "a.b",
  "*",
  ">",
  "a b",
  "../x",
  "a/b",
  "a\\b",
  "a\u0000",
  "a\n",
  "é",
  "$x",
  "%2e",
  "~",
  "x".repeat(129),
  "",
  ".",
])("no event about the order '%s' is accepted: it would leave its subject, or a path", (id) => {
  const event = {
    orderId: id,
    eventType: "PaymentProcessed",
    timestamp: "2026-02-01T12:00:00Z",
    amount: 1,
    status: "failed",
  };
  const outcome = decode(deliver(1, `orders.${id}.PaymentProcessed`, event), limits);
  expect(isRejected(outcome)).toBe(true);
});

it.each(["__proto__", "constructor", "-rf", ":", "CON", "x".repeat(128)])(
  "an event about '%s' is, and stays one token",
  (id) => {
    const event = {
      orderId: id,
      eventType: "PaymentProcessed",
      timestamp: "2026-02-01T12:00:00Z",
      amount: 1,
      status: "failed",
    };
    expect(decode(deliver(1, `orders.${id}.PaymentProcessed`, event), limits)).toMatchObject({ actorId: id });
    const subjects = [eventSubject(type, id, "X"), decisionSubject(type, id), querySubject(type, "get", id)];
    expect(subjects.map((subject) => subject.split(".").length)).toEqual([3, 3, 4]);
  },
);
