import { expect, it } from "vitest";
import { Hosted, permutations, type Told } from "../hosted.ts";
import { checkoutType } from "./actors.ts";

const started: Told = { type: "CheckoutStarted", at: "10:00", data: { total: 40 } };
const paidAt = (at: string, amount = 40, heard = at): Told => ({
  type: "PaymentReceived",
  at,
  heard,
  data: { amount, method: "card" },
});
const EXPIRED = { decisionType: "CheckoutClosed", reason: "expired", toReturn: 0 };
const PAID = { decisionType: "CheckoutPaid", amount: 40 };

it("is paid, with a gift card and a credit card", () => {
  const checkout = new Hosted(checkoutType);
  checkout.hear(started, paidAt("10:03", 15));
  expect([checkout.state, checkout.standing]).toEqual(["awaitingPayment", null]);
  checkout.hear(paidAt("10:05", 25));
  checkout.pass("23:00");
  expect([checkout.state, checkout.decisions]).toEqual(["paid", [PAID]]);
});

it("expires after 30 minutes, not before", () => {
  const checkout = new Hosted(checkoutType);
  checkout.hear(started);
  checkout.pass("10:29:59.999");
  expect([checkout.state, checkout.decisions]).toEqual(["awaitingPayment", []]);
  checkout.pass("10:30");
  expect([checkout.state, checkout.decisions]).toEqual(["expired", [EXPIRED]]);
});

it("a payment at the deadline is in time, one a millisecond later goes back", () => {
  const inTime = new Hosted(checkoutType);
  inTime.hear(started, paidAt("10:30"));
  expect(inTime.decisions).toEqual([PAID]);
  const late = new Hosted(checkoutType);
  late.hear(started, paidAt("10:30:00.001"));
  expect(late.decisions).toEqual([{ ...EXPIRED, toReturn: 40 }]);
});

it("a payment made in time and heard two hours late undoes the expiry with one revision", () => {
  const checkout = new Hosted(checkoutType);
  checkout.hear(started);
  checkout.pass("10:30");
  checkout.hear(paidAt("10:12", 40, "12:12"));
  checkout.pass("23:00");
  expect([checkout.state, checkout.decisions]).toEqual(["paid", [EXPIRED, PAID]]);
});

it("every arrival order ends the same", () => {
  const told = [
    started,
    { type: "PaymentDeclined", at: "10:02", data: { method: "card" } },
    paidAt("10:03", 15),
    paidAt("10:31", 25),
    { type: "CheckoutCancelled", at: "10:40" },
  ];
  for (const order of permutations(told)) {
    const checkout = new Hosted(checkoutType);
    // All are heard after the last has happened.
    checkout.hear(...order.map((each) => ({ ...each, heard: "11:00" })));
    expect(checkout.state).toBe("expired");
    expect(checkout.context).toEqual({ total: 40, paid: 40, declined: 1 });
    expect(checkout.standing).toEqual({ ...EXPIRED, toReturn: 40 });
  }
});
