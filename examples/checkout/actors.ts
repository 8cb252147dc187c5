import { defineActor } from "natstate";
import { z } from "zod";
import { machine } from "./machine.ts";

/** A cart that has to be paid within 30 minutes. */
export const checkout = defineActor({
  name: "checkout",
  events: {
    CheckoutStarted: z.object({ total: z.number().positive() }),
    PaymentReceived: z.object({ amount: z.number().positive(), method: z.string() }),
    PaymentDeclined: z.object({ method: z.string() }),
    CheckoutCancelled: z.object({}),
  },
  machine,
  decisions: {
    CheckoutPaid: z.object({ amount: z.number() }),
    CheckoutClosed: z.object({ reason: z.enum(["expired", "cancelled"]), toReturn: z.number() }),
  },
  withdrawn: "CheckoutReopened",
  conclude({ matches, context }) {
    if (matches("paid")) return { content: { decisionType: "CheckoutPaid", amount: context.paid } };
    const reason = matches("expired") ? "expired" : matches("cancelled") ? "cancelled" : null;
    if (reason === null) return { content: null };
    return { content: { decisionType: "CheckoutClosed", reason, toReturn: context.paid } };
  },
});

export default [checkout];
