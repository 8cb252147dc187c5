import { AssertionError } from "node:assert";
import { expect, it } from "vitest";
import { checkout } from "../../examples/checkout/actors.ts";
import { given } from "../../src/testing/given.ts";

const started = { eventType: "CheckoutStarted", timestamp: "10:00", total: 40 } as const;
const paid = (timestamp: string) => ({ eventType: "PaymentReceived", timestamp, amount: 40, method: "card" }) as const;
const EXPIRED = { decisionType: "CheckoutClosed", reason: "expired", toReturn: 0 } as const;

it("a deadline of 30 minutes takes no time, and what was paid in time and heard late undoes it", () => {
  given(checkout, [started])
    .then({ state: "awaitingPayment", due: "10:30", decision: null })
    .at("10:29:59.999")
    .then({ state: "awaitingPayment", due: [{ path: "awaitingPayment", at: "10:30" }] })
    .at("10:30")
    .then({ state: "expired", decision: EXPIRED, due: null })
    .heard([paid("10:12")], "12:12")
    .then({
      state: "paid",
      outcomes: ["applied"],
      decisions: [EXPIRED, { decisionType: "CheckoutPaid", amount: 40 }],
    });
});

it("who is due while nothing is heard decides by then, as a daemon's tick has it: only the grace is waited for", () => {
  const late = { ...EXPIRED, toReturn: 40 } as const;
  given(checkout, [started, paid("10:31")]).then({ decisions: [EXPIRED, late] });
  given(checkout, [started])
    .heard([paid("10:30:00.001")], "10:30:01")
    .then({ decisions: [late] });
});

it("what is not as expected is told with all that happened", () => {
  const wrong = () => given(checkout, [started]).at("10:30").then({ state: "paid" });
  expect(wrong).toThrow(AssertionError);
  expect(wrong).toThrow(/awaitingPayment[\s\S]*expired; decides \{"decisionType":"CheckoutClosed"/);
});

it.each([
  ["state", "paid"],
  ["value", "paid"],
  ["context", {}],
  ["view", {}],
  ["completeness", 99],
  ["waitingFor", ["ItemShipped"]],
  ["due", "10:31"],
  ["due", [{ path: "expired", at: "10:31" }]],
  ["decision", null],
  ["decisions", []],
  ["outcomes", ["duplicate"]],
])("%s is looked at", (name, other) => {
  const specification = given(checkout, [started]).at("10:30");
  expect(() => specification.then({ [name]: other } as never)).toThrow(AssertionError);
});

it("an event that its contract refuses is told with the reason, unless its outcome is what is looked at", () => {
  const wrong = { ...started, total: -1 };
  expect(() => given(checkout, [wrong as never]).then({ state: "cart" })).toThrow("invalid_event: total: ");
  given(checkout, [wrong as never, started, started]).then({
    outcomes: ["rejected", "applied", "duplicate"],
    state: "awaitingPayment",
  });
});

it("an actor that is stopped is told with the reason", () => {
  const conclude = () => {
    throw new Error("of no use");
  };
  const type = { ...checkout, conclude } as never as typeof checkout;
  expect(() => given(type, [started]).then({ state: "awaitingPayment" })).toThrow("of no use");
});

it("to await one is of no harm, and one that expects nothing is a mistake", async () => {
  // A test runner awaits what a test gives back.
  const awaiting = async (value: unknown): Promise<unknown> => await value;
  expect(await awaiting(given(checkout, [started]).then({ state: "awaitingPayment" }))).toBeUndefined();
  await expect(awaiting(given(checkout, [started]))).rejects.toThrow("expects nothing");
});

it("what is not as a time is written is told", () => {
  expect(() => given(checkout, [started]).at("half past ten")).toThrow('"half past ten" is no time');
});
