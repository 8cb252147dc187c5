import { it } from "node:test";
import { converges, given } from "natstate/testing";
import { checkout } from "./actors.ts";

const started = { eventType: "CheckoutStarted", timestamp: "10:00", total: 40 } as const;
const declined = { eventType: "PaymentDeclined", timestamp: "10:02", method: "card" } as const;
const cancelled = { eventType: "CheckoutCancelled", timestamp: "10:40" } as const;
const paid = (timestamp: string, amount = 40) =>
  ({ eventType: "PaymentReceived", timestamp, amount, method: "card" }) as const;

const EXPIRED = { decisionType: "CheckoutClosed", reason: "expired", toReturn: 0 } as const;
const PAID = { decisionType: "CheckoutPaid", amount: 40 } as const;

it("is paid, with a gift card and a credit card", () => {
  given(checkout, [started, paid("10:03", 15)])
    .then({ state: "awaitingPayment", decision: null })
    .heard([paid("10:05", 25)])
    .at("23:00")
    .then({ state: "paid", decisions: [PAID] });
});

it("expires after 30 minutes, not before", () => {
  given(checkout, [started])
    .at("10:29:59.999")
    .then({ state: "awaitingPayment", due: "10:30", decisions: [] })
    .at("10:30")
    .then({ state: "expired", decisions: [EXPIRED] });
});

it("a payment at the deadline is in time, one a millisecond later goes back", () => {
  given(checkout, [started, paid("10:30")]).then({ decisions: [PAID] });
  given(checkout, [started, paid("10:30:00.001")]).then({ decisions: [{ ...EXPIRED, toReturn: 40 }] });
});

it("a payment made in time and heard two hours late undoes the expiry with one revision", () => {
  given(checkout, [started])
    .at("10:30")
    .then({ state: "expired" })
    .heard([paid("10:12")], "12:12")
    .at("23:00")
    .then({ state: "paid", decisions: [EXPIRED, PAID] });
});

it("every order of arrival ends the same", () => {
  const events = [started, declined, paid("10:03", 15), paid("10:31", 25), cancelled];
  converges(checkout, { events });
  given(checkout, events).then({
    state: "expired",
    context: { total: 40, paid: 40, declined: 1 },
    decision: { ...EXPIRED, toReturn: 40 },
  });
});
