import { type AnyStateMachine, assign, setup } from "xstate";
import { z } from "zod";
import type { ActorEvent, ActorType } from "../../src/actor/actor-type.ts";
import { leafPaths } from "../../src/actor/state-text.ts";

/*
 * Machines that merge and do not converge, each for another reason.
 */

interface Context {
  readonly known?: unknown;
  readonly at?: string;
}

type Learn = (context: Context, event: ActorEvent) => Context;

const base = setup({ types: { context: {} as Context, events: {} as ActorEvent } });

/** One state; every event is learnt. */
function learning(learn: Learn): AnyStateMachine {
  const actions = assign<Context, ActorEvent, undefined, ActorEvent, never>(({ context, event }) =>
    learn(context, event),
  );
  return base.createMachine({
    id: "wrong",
    context: {},
    initial: "open",
    on: { "*": { actions } },
    states: { open: {} },
  });
}

const isNewer = ({ at = "" }: Context, { timestamp }: ActorEvent) => timestamp > at;

/** Looks for what no row gives back: it converges for as long as it does not find that in memory either. */
export const ASKS_FOR_UNDEFINED = learning((context) => ({
  known: Object.hasOwn(context, "at") ? 1 : 0,
  at: undefined as never,
}));

/** By what is wrong with them. */
export const WRONG_MACHINES: Readonly<Record<string, AnyStateMachine>> = {
  "the last that is heard wins": learning((_, { data }) => ({ known: data })),
  "the first that is heard wins": learning((context, { data }) => ({ known: context.known ?? data })),
  "keeps them in the order in which they came": learning(({ known }, { eventId }) => ({
    known: [...((known as string[] | undefined) ?? []), eventId],
  })),
  "the newest wins, of two at one time the last that is heard": learning((context, event) =>
    isNewer(context, event) || context.at === event.timestamp ? { known: event.eventId, at: event.timestamp } : context,
  ),
  "an event leads to a state": base.createMachine({
    id: "wrong",
    context: {},
    initial: "open",
    states: { open: { on: { Paid: "paid", Cancelled: "cancelled" } }, paid: {}, cancelled: {} },
  }),
  "an event counts in one state only": base.createMachine({
    id: "wrong",
    context: {},
    initial: "open",
    states: { open: { on: { Cancelled: "closed" } }, closed: { on: { Paid: "paid" } }, paid: {} },
  }),
};

/** An actor type of such a machine; it decides nothing. */
export function typeOf(machine: AnyStateMachine): ActorType {
  return {
    ...{ name: "wrong", collection: "wrongs", idField: "wrongId", version: 1, ordering: "merge", machine },
    events: { Paid: z.object({ amount: z.int().min(0).max(5) }), Cancelled: z.object({ by: z.string() }) },
    states: leafPaths(machine.root),
    ...{ decisionTypes: ["Withdrawn"], withdrawn: "Withdrawn" },
    conclude: () => ({ content: null, basedOn: [], decidedAt: null }),
    completeness: () => 0,
    view: () => ({}),
    waitingFor: () => [],
  };
}
