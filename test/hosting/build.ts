import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createMachine,
  type EventObject,
  emit,
  enqueueActions,
  not,
  raise,
  stateIn,
} from "xstate";
import type { ActionSpec, GuardSpec, NodeSpec, TransitionSpec } from "./spec.ts";

/** What every generated machine remembers. */
interface Context {
  readonly n: number;
  readonly log: readonly string[];
  readonly at: string | null;
  readonly amount: number;
  readonly maybe?: number | undefined;
}

type Heard = EventObject & { readonly data?: { readonly amount: number } };

/**
 * When an event happened, for actions that look: the host puts it into the event, a live actor has a clock only. Of what
 * is raised within a step, `none`.
 */
export type TimeOf = (event: EventObject) => string;

/** Microsteps an event. */
const MAX_STEPS = 30;

/**
 * Makes a new machine of a spec.
 *
 * @param custom - what its custom action does; a host must not execute it.
 * @throws when XState does not take it.
 */
export function buildMachine(spec: NodeSpec, timeOf: TimeOf, custom: () => void): AnyStateMachine {
  const options = {
    actions: { custom },
    delays: {
      byCount: ({ context }: { context: Context }) => context.n % 5,
      byData: ({ event }: { event: Heard }) => (event.data?.amount ?? 1) / 2,
      never: ({ context }: { context: Context }) => (context.n % 3 === 2 ? -1 : 4),
    },
  };
  const config = {
    ...node(spec, timeOf),
    options: { maxIterations: MAX_STEPS },
    context: ({ input }: { input: { id: string } }): Context => ({ n: input.id.length, log: [], at: null, amount: 0 }),
  };
  return createMachine(config as never, options as never);
}

function node(spec: NodeSpec, timeOf: TimeOf): object {
  const { id, kind, states = [], isDeep, target, on = [], after = [], always, onDone, entry, exit, hasOutput } = spec;
  if (kind === "history") return { id, type: "history", history: isDeep ? "deep" : "shallow", target };
  const take = (transitions: readonly TransitionSpec[]) => transitions.map((each) => transition(each, timeOf));
  return {
    id,
    type: kind,
    ...(kind === "compound" && { initial: states.find((state) => state.kind !== "history")?.id }),
    ...(states.length > 0 && { states: Object.fromEntries(states.map((state) => [state.id, node(state, timeOf)])) }),
    ...(on.length > 0 && { on: Object.fromEntries(on.map((each) => [each.event, take(each.take)])) }),
    ...(after.length > 0 && { after: Object.fromEntries(after.map((each) => [each.delay, take(each.take)])) }),
    ...(always && { always: take(always) }),
    ...(onDone && { onDone: transition(onDone, timeOf) }),
    ...(entry && { entry: entry.map((each) => action(each, timeOf)) }),
    ...(exit && { exit: exit.map((each) => action(each, timeOf)) }),
    ...(hasOutput && { output: ({ context }: { context: Context }) => ({ n: context.n, log: context.log.length }) }),
  };
}

function transition({ target, reenter, guard, actions }: TransitionSpec, timeOf: TimeOf): object {
  return {
    ...(target !== undefined && { target: `#${target}` }),
    ...(reenter && { reenter }),
    ...(guard && { guard: guardOf(guard) }),
    ...(actions && { actions: actions.map((each) => action(each, timeOf)) }),
  };
}

function guardOf(spec: GuardSpec): unknown {
  switch (spec.is) {
    case "below":
      return ({ context }: { context: Context }) => context.n < spec.limit;
    case "even":
      return ({ context }: { context: Context }) => context.n % 2 === 0;
    case "data":
      return ({ event }: { event: Heard }) => (event.data?.amount ?? 0) >= spec.least;
    case "gone":
      return ({ context }: { context: Context }) => context.maybe === undefined;
    case "in":
      return stateIn(`#${spec.state}`);
    case "not":
      return not(and([guardOf(spec.guard) as never]));
    default:
      return spec satisfies never;
  }
}

/** What an `assign` makes of the context. */
const CHANGES: Partial<Record<ActionSpec["do"], (context: Context, event: Heard) => Partial<Context>>> = {
  count: ({ n }) => ({ n: n + 1 }),
  reset: () => ({ n: 0, log: [], maybe: 1 }),
  take: (_, event) => ({ amount: event.data?.amount ?? -0 }),
  lose: () => ({ maybe: undefined }),
  spoil: ({ n }) => ({ maybe: n > 2 ? Number.NaN : n }),
};

function action(spec: ActionSpec, timeOf: TimeOf): unknown {
  switch (spec.do) {
    case "log":
      return assign(({ context }: { context: Context }) => ({ log: [...context.log, spec.label].slice(-8) }));
    case "stamp":
      return assign(({ event }) => ({ at: timeOf(event) }));
    case "need":
      return assign(({ context }: { context: Context }) => (context.n < spec.least ? fail("too little is known") : {}));
    case "custom":
      return { type: "custom" };
    case "emit":
      return emit({ type: "emitted" });
    case "raise":
      return raise({ type: spec.event } as never);
    case "later":
      return raise({ type: spec.event } as never, { delay: spec.delay as never, ...(spec.id && { id: spec.id }) });
    case "again":
      return raise(({ event }) => ({ ...event, type: spec.event }) as never, { delay: spec.delay as never });
    case "cancel":
      return cancel(spec.id);
    case "enqueue":
      return enqueueActions(({ enqueue, context }) => {
        if ((context as Context).n % 2 === 0) for (const each of spec.actions) enqueue(action(each, timeOf) as never);
      });
    default: {
      const change = CHANGES[spec.do];
      return assign(({ context, event }) => change?.(context as Context, event as Heard) ?? {});
    }
  }
}

function fail(message: string): never {
  throw new Error(message);
}
