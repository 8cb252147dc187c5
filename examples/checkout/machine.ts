import { assertEvent, assign, setup } from "xstate";

export interface Checkout {
  readonly total: number;
  /** All that was paid: a gift card and a credit card are two payments. */
  readonly paid: number;
  readonly declined: number;
}

type Event =
  | { type: "CheckoutStarted"; data: { total: number } }
  | { type: "PaymentReceived"; data: { amount: number; method: string } }
  | { type: "PaymentDeclined"; data: { method: string } }
  | { type: "CheckoutCancelled" };

export const machine = setup({
  types: { context: {} as Checkout, events: {} as Event },
  actions: {
    noteTotal: assign(({ event }) => {
      assertEvent(event, "CheckoutStarted");
      return { total: event.data.total };
    }),
    notePayment: assign(({ context, event }) => {
      assertEvent(event, "PaymentReceived");
      return { paid: context.paid + event.data.amount };
    }),
    countDecline: assign(({ context }) => ({ declined: context.declined + 1 })),
    // Never executed: whoever sends receipts reads the decision CheckoutPaid.
    sendReceipt: () => {},
  },
  guards: {
    coversTheRest: ({ context, event }) => {
      assertEvent(event, "PaymentReceived");
      return context.paid + event.data.amount >= context.total;
    },
  },
  delays: { paymentDeadline: 30 * 60_000 },
}).createMachine({
  id: "checkout",
  context: { total: 0, paid: 0, declined: 0 },
  initial: "cart",
  states: {
    cart: {
      on: { CheckoutStarted: { target: "awaitingPayment", actions: "noteTotal" } },
    },
    awaitingPayment: {
      on: {
        PaymentReceived: [
          { guard: "coversTheRest", target: "paid", actions: "notePayment" },
          { actions: "notePayment" },
        ],
        PaymentDeclined: { actions: "countDecline" },
        CheckoutCancelled: "cancelled",
      },
      after: { paymentDeadline: "expired" },
    },
    paid: { entry: "sendReceipt" },
    expired: {
      // Too late: it goes back.
      on: { PaymentReceived: { actions: "notePayment" } },
    },
    cancelled: {
      on: { PaymentReceived: { actions: "notePayment" } },
    },
  },
});
