import { assign, setup } from "xstate";
import { z } from "zod";
import { orderType } from "../../machines/order/order.ts";
import type { ActorSnapshot, ActorType, Conclusion } from "../../src/actor/actor-type.ts";

/*
 * A registry with an actor type whose author erred in every way at once: each of its actors goes wrong in the way its
 * first event names. Put in the place of machines/registry.ts by inside.ts.
 */

/** What an actor does wrong; `sound` does nothing wrong. */
export const WAYS = [
  "sound",
  "bigint-in-context",
  "cycle-in-context",
  "function-in-context",
  "endless-always",
  "action-throws",
  "completeness-nan",
  "completeness-throws",
  "conclude-nothing",
  "conclude-promise",
  "conclude-throws",
  "bigint-in-decision",
  "revision-of-its-own",
  "decided-yesterday",
  "unknown-decision",
] as const;

type Way = (typeof WAYS)[number];
interface Context {
  readonly way?: Way;
  readonly baggage?: unknown;
}
type Event = { readonly type: "Poisoned"; readonly data: { readonly way: Way }; readonly eventId: string };

function baggageOf(way: Way): unknown {
  if (way === "bigint-in-context") return 1n;
  // JSON leaves it out without a word.
  if (way === "function-in-context") return () => way;
  if (way === "action-throws") throw new Error("an action that throws");
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  return way === "cycle-in-context" ? cycle : null;
}

const machine = setup({
  types: { context: {} as Context, events: {} as Event },
  actions: {
    swallow: assign(({ event }) => ({ way: event.data.way, baggage: baggageOf(event.data.way) })),
  },
  guards: { isEndless: ({ context }) => context.way === "endless-always" },
}).createMachine({
  id: "poison",
  context: {},
  initial: "calm",
  on: { Poisoned: { actions: "swallow" } },
  states: {
    calm: { always: { guard: "isEndless", target: "to" } },
    to: { always: { target: "fro" } },
    fro: { always: { target: "to" } },
  },
});

function conclude({ context: { way } }: ActorSnapshot<Context>): Conclusion {
  const sound: Conclusion = {
    content: { decisionType: "Survived" },
    basedOn: [],
    decidedAt: "2026-02-01T10:00:00.000Z",
  };
  const saying = (content: object) => ({ ...sound, content: { decisionType: "Survived", ...content } }) as Conclusion;
  switch (way) {
    case undefined:
      return { content: null, basedOn: [], decidedAt: null };
    case "conclude-nothing":
      return undefined as unknown as Conclusion;
    case "conclude-promise":
      return Promise.resolve(sound) as unknown as Conclusion;
    case "conclude-throws":
      throw new Error("a rule that throws");
    case "bigint-in-decision":
      return saying({ amount: 1n });
    case "revision-of-its-own":
      return saying({ revision: 77 });
    case "unknown-decision":
      return saying({ decisionType: "Undreamt" });
    case "decided-yesterday":
      return { ...sound, decidedAt: "yesterday" };
    default:
      return sound;
  }
}

function completeness({ context: { way } }: ActorSnapshot<Context>): number {
  if (way === "completeness-throws") throw new Error("a completeness that throws");
  return way === "completeness-nan" ? Number.NaN : 50;
}

const poisonType = {
  name: "poison",
  collection: "poisons",
  idField: "poisonId",
  events: { Poisoned: z.object({ way: z.enum(WAYS) }) },
  machine,
  ordering: "merge",
  version: 1,
  states: ["calm", "to", "fro"],
  decisionTypes: ["Survived", "PoisonWithdrawn"],
  withdrawn: "PoisonWithdrawn",
  conclude,
  completeness,
  view: ({ context: { way = null } }) => ({ way }),
  waitingFor: () => [],
  rehearsal: { traffic: () => [], expect: () => new Map(), showcaseId: "poison-1" },
} satisfies ActorType<Context> as ActorType;

export const actorTypes: readonly ActorType[] = [orderType as ActorType, poisonType];
