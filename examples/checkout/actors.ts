import { z } from "zod";
import type { ActorType, Conclusion } from "../../src/actor/actor-type.ts";
import { type Checkout, machine } from "./machine.ts";

/** A cart that has to be paid within 30 minutes. */
export const checkoutType: ActorType<Checkout> = {
  name: "checkout",
  collection: "checkouts",
  idField: "checkoutId",
  events: {
    CheckoutStarted: z.object({ total: z.number().positive() }),
    PaymentReceived: z.object({ amount: z.number().positive(), method: z.string() }),
    PaymentDeclined: z.object({ method: z.string() }),
    CheckoutCancelled: z.object({}),
  },
  machine,
  version: 1,
  states: ["cart", "awaitingPayment", "paid", "expired", "cancelled"],
  decisionTypes: ["CheckoutPaid", "CheckoutClosed", "CheckoutReopened"],
  withdrawn: "CheckoutReopened",
  decisions: {
    CheckoutPaid: z.object({ amount: z.number() }),
    CheckoutClosed: z.object({ reason: z.enum(["expired", "cancelled"]), toReturn: z.number() }),
    CheckoutReopened: z.object({}),
  },
  conclude({ matches, context }): Conclusion {
    if (matches("paid")) return { content: { decisionType: "CheckoutPaid", amount: context.paid } };
    const reason = matches("expired") ? "expired" : matches("cancelled") ? "cancelled" : null;
    if (reason === null) return { content: null };
    return { content: { decisionType: "CheckoutClosed", reason, toReturn: context.paid } };
  },
  completeness: ({ matches }) => (matches("cart") ? 0 : matches("awaitingPayment") ? 50 : 100),
  view: ({ context }) => ({ ...context }),
  waitingFor({ matches }) {
    if (matches("cart")) return ["CheckoutStarted"];
    return matches("awaitingPayment") ? ["PaymentReceived"] : [];
  },
};

export default [checkoutType];
