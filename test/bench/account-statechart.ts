import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";

/**
 * An account whose every fact is still seen at its end: what happened earlier has all that came later folded again, the
 * most that a late fact can cost.
 */
export const accountType = {
  name: "account",
  collection: "accounts",
  idField: "accountId",
  events: { Booked: z.object({ amount: z.number() }) },
  machine: createMachine({
    types: {} as { context: { balance: number }; events: { type: string; data: { amount: number } } },
    context: { balance: 0 },
    initial: "open",
    states: {
      open: {
        on: { Booked: { actions: assign({ balance: ({ context, event }) => context.balance + event.data.amount }) } },
      },
    },
  }),
  version: 1,
  states: ["open"],
  decisionTypes: ["AccountWithdrawn"],
  withdrawn: "AccountWithdrawn",
  conclude: () => ({ content: null }),
  completeness: () => 0,
  view: ({ context }) => ({ ...context }),
  waitingFor: () => [],
} satisfies ActorType<{ balance: number }> as ActorType;
