import { assign, setup } from "xstate";
import { z } from "zod";
import { defineActor } from "../src/actor/define-actor.ts";
import type { MachineEvents } from "../src/actor/definition.ts";

/* An actor type whose events are called as XState's own documentation calls them, with dots and keys for all of a prefix. */

const events = {
  "form.submit": z.object({ total: z.number() }),
  "form.withdraw": z.object({}),
  "payment.received": z.object({ amount: z.number() }),
  "payment.declined": z.object({}),
  "payment.refund.card": z.object({ amount: z.number() }),
};

export const machine = setup({
  types: {
    context: {} as { total: number; paid: number; others: readonly string[] },
    events: {} as MachineEvents<typeof events>,
  },
  guards: {
    coversTheRest: ({ context, event }) =>
      event.type === "payment.received" && context.paid + event.data.amount >= context.total,
  },
  actions: {
    noteTotal: assign(({ event }) => (event.type === "form.submit" ? { total: event.data.total } : {})),
    add: assign(({ context, event }) =>
      event.type === "payment.received" ? { paid: context.paid + event.data.amount } : {},
    ),
    giveBack: assign(({ context, event }) =>
      event.type === "payment.refund.card" ? { paid: context.paid - event.data.amount } : {},
    ),
    noteOther: assign(({ context, event }) => ({ others: [...context.others, event.type] })),
  },
}).createMachine({
  id: "invoice",
  context: { total: 0, paid: 0, others: [] },
  initial: "draft",
  states: {
    draft: { on: { "form.submit": { target: "open", actions: "noteTotal" } } },
    open: {
      on: {
        "payment.*": { actions: "noteOther" },
        "payment.received": [{ guard: "coversTheRest", target: "paid", actions: "add" }, { actions: "add" }],
        "form.withdraw": "withdrawn",
      },
    },
    paid: { on: { "payment.refund.*": { target: "open", actions: "giveBack" }, "*": { actions: "noteOther" } } },
    withdrawn: { on: { "payment.*": { actions: "noteOther" } } },
  },
});

export const invoice = defineActor({
  name: "invoice",
  events,
  machine,
  decisions: { InvoicePaid: z.object({ amount: z.number() }) },
  conclude: ({ matches, context }) => ({
    content: matches("paid") ? { decisionType: "InvoicePaid", amount: context.paid } : null,
  }),
});
