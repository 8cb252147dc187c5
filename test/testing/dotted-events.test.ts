import { expect, it } from "vitest";
import { checkActorTypes } from "../../src/actor/check-actor-types.ts";
import { converges } from "../../src/testing/converges.ts";
import { findWarnings } from "../../src/testing/find-warnings.ts";
import { given } from "../../src/testing/given.ts";
import { invoice } from "../invoice.ts";

const submitted = { eventType: "form.submit", timestamp: "10:00", total: 100 } as const;
const received = (timestamp: string, amount: number) => ({ eventType: "payment.received", timestamp, amount }) as const;
const declined = { eventType: "payment.declined", timestamp: "10:02" } as const;
const refunded = { eventType: "payment.refund.card", timestamp: "10:05", amount: 60 } as const;
const PAID = { decisionType: "InvoicePaid", amount: 100 } as const;

it("a start takes it, and nothing is to be warned of", () => {
  expect(checkActorTypes([invoice])).toEqual([]);
  expect(findWarnings(invoice)).toEqual([]);
});

it("a name is taken by the key that is closest to it, heard in any order", () => {
  const facts = [submitted, received("10:01", 40), declined, received("10:03", 60)];
  given(invoice, facts).then({ state: "paid", decision: PAID, waitingFor: Object.keys(invoice.events) });
  given(invoice, facts.toReversed()).then({ state: "paid", decision: PAID });
  given(invoice, [refunded, ...facts]).then({ state: "open", decision: null });
  given(invoice, [submitted]).then({
    waitingFor: ["form.withdraw", "payment.received", "payment.declined", "payment.refund.card"],
  });
});

it("it converges", () => {
  converges(invoice);
});
