import { defineActor, type MachineEvents } from "natstate";
import { setup } from "xstate";
import { z } from "zod";

/*
 * What must not compile: `npm run types` fails where a line that is marked compiles.
 */

const events = { Filed: z.object({ amount: z.number() }), Denied: z.object({}) };
const machine = setup({
  types: {
    context: {} as { amount: number },
    events: {} as MachineEvents<typeof events>,
    tags: {} as "open",
    output: {} as { paid: number },
  },
}).createMachine({
  context: { amount: 0 },
  initial: "announced",
  output: { paid: 1 },
  states: {
    announced: { on: { Filed: "review", Denied: "closed" } },
    review: { initial: "papers", states: { papers: { on: { Denied: "#(machine).closed" } } } },
    closed: { type: "final" },
  },
});
const decisions = {
  PayoutDue: z.object({ amount: z.number() }),
  Refused: z.object({ reason: z.enum(["late", "no"]) }),
};

export const right = defineActor({
  name: "claim",
  events,
  machine,
  decisions,
  conclude({ matches, context, tags, status, output, value }) {
    if (status === "done") return { content: { decisionType: "PayoutDue", amount: output.paid } };
    if (matches("review.papers") || matches({ review: "papers" }) || tags.has("open") || value === "announced")
      return { content: { decisionType: "PayoutDue", amount: context.amount } };
    return { content: matches("closed") ? { decisionType: "Refused", reason: "late" } : null };
  },
  waitingFor: ({ matches }) => (matches("announced") ? ["Filed"] : []),
});
export const idField: "claimId" = right.idField;
export const withdrawn: "ClaimDecisionWithdrawn" = right.withdrawn;

/** Nothing is folded, so that only its rule knows what a decision rests on. */
export const merging = defineActor({
  ...{ name: "claim", events, machine, decisions },
  ordering: "merge",
  conclude: ({ context }) => ({
    ...{ content: { decisionType: "PayoutDue", amount: context.amount } },
    ...{ basedOn: ["e1"], decidedAt: null },
  }),
});

const nothing = () => ({ content: null });
const given = { events: {} as MachineEvents<typeof events>, input: {} as { id: string; customer?: string } };
const wanted = { ...given, input: {} as { id: string; customer: string } };
const [modest, greedy] = [setup({ types: given }).createMachine({}), setup({ types: wanted }).createMachine({})];

/** Its input may have more than it is given. */
export const fed = defineActor({ name: "claim", events, machine: modest, conclude: nothing });
const misspelt = { ...events, Flied: z.object({}) };
const mistyped = { ...events, Filed: z.object({ amount: z.string() }) };
const rest = { name: "claim", events, machine, decisions } as const;
const due = { decisionType: "PayoutDue" } as const;

export const wrong = [
  // @ts-expect-error: the machine knows no event Flied
  defineActor({ name: "claim", machine, events: misspelt, conclude: nothing }),
  // @ts-expect-error: the machine's Filed has a number
  defineActor({ name: "claim", machine, events: mistyped, conclude: nothing }),
  // @ts-expect-error: nobody gives it a customer
  defineActor({ name: "claim", machine: greedy, events, conclude: nothing }),
  // @ts-expect-error: no such decision
  defineActor({ ...rest, conclude: () => ({ content: { decisionType: "PayoutDeu", amount: 1 } }) }),
  // @ts-expect-error: its amount is a number
  defineActor({ ...rest, conclude: () => ({ content: { ...due, amount: "1" } }) }),
  // @ts-expect-error: it has an amount
  defineActor({ ...rest, conclude: () => ({ content: due }) }),
  // @ts-expect-error: null says that nothing follows
  defineActor({ ...rest, conclude: () => ({ content: { decisionType: "ClaimDecisionWithdrawn" } }) }),
  // @ts-expect-error: no such state
  defineActor({ ...rest, conclude: ({ matches }) => ({ content: matches("revue") ? null : null }) }),
  // @ts-expect-error: no such tag
  defineActor({ ...rest, conclude: ({ tags }) => ({ content: tags.has("opne") ? null : null }) }),
  // @ts-expect-error: no such part of the context
  defineActor({ ...rest, conclude: ({ context }) => ({ content: { ...due, amount: context.amonut } }) }),
  // @ts-expect-error: an output comes with the end
  defineActor({ ...rest, conclude: ({ output }) => ({ content: { ...due, amount: output.paid } }) }),
  // @ts-expect-error: no such event
  defineActor({ ...rest, conclude: nothing, waitingFor: () => ["Flied"] }),
  // @ts-expect-error: of a type that merges nobody else knows what that rests on
  defineActor({ ...rest, ordering: "merge", conclude: nothing }),
  // @ts-expect-error: nor since when it follows
  defineActor({ ...rest, ordering: "merge", conclude: () => ({ content: null, basedOn: [] }) }),
  // @ts-expect-error: undefined is none
  defineActor({ ...rest, ordering: "merge", conclude: () => ({ content: null, basedOn: undefined, decidedAt: null }) }),
  // @ts-expect-error: there is no such ordering
  defineActor({ ...rest, ordering: "arrival", conclude: nothing }),
  // @ts-expect-error: nothing says what follows
  defineActor({ name: "claim", events, machine }),
];
