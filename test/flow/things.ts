import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType, Conclusion } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { eventSubject } from "../../src/wire/names.ts";
import { deliver } from "./delivery.ts";

/** What a thing keeps; `bad` is set by an event that says so. */
export interface ThingContext {
  readonly n?: number;
  readonly bad?: unknown;
  readonly list: unknown[];
}

export interface ThingRules extends Partial<Omit<ActorType, "machine" | "conclude" | "completeness">> {
  /** What a bad event puts into the context. */
  readonly made?: () => unknown;
  /** What a bad event does besides. */
  readonly does?: (context: ThingContext) => void;
  /** The state a bad event leads to. */
  readonly target?: "looping" | "broken";
  readonly conclude?: (context: ThingContext) => unknown;
  readonly completeness?: (context: ThingContext) => unknown;
}

const good = ({ n, bad }: ThingContext): Conclusion => ({
  content: n === undefined || bad !== undefined ? null : { decisionType: "ThingCounted", n },
  basedOn: ["some-event"],
  decidedAt: "2026-02-01T00:00:00.000Z",
});

/** An actor type beside the orders, each of whose rules may be a bad one. Bad rules are to be bad on a bad thing only. */
export function thingType(rules: ThingRules = {}): ActorType {
  const { made, does, target, conclude = good, completeness = () => 50, ...rest } = rules;
  const machine = createMachine({
    types: {} as { context: ThingContext; events: { type: string; data: { n: number } } },
    id: "thing",
    context: { list: [] },
    on: {
      Counted: { actions: assign(({ context, event: { data } }) => ({ list: [...context.list, data.n], n: data.n })) },
      Spoiled: {
        actions: assign(({ context }) => {
          does?.(context);
          return { bad: made?.() ?? true };
        }),
        ...(target === undefined ? {} : { target: `.${target}` }),
      },
      Closed: { target: ".closed" },
    },
    initial: "open",
    states: {
      open: {},
      closed: {},
      looping: { always: "chasing" },
      chasing: { always: "looping" },
      broken: {
        always: {
          guard: () => {
            throw new Error("broken guard");
          },
          target: "open",
        },
      },
    },
  });
  return {
    name: "thing",
    collection: "things",
    idField: "thingId",
    events: { Counted: z.object({ n: z.number() }), Spoiled: z.object({}), Closed: z.object({}) },
    machine,
    ordering: "merge",
    version: 1,
    states: Object.keys(machine.states),
    decisionTypes: ["ThingCounted", "ThingWithdrawn"],
    withdrawn: "ThingWithdrawn",
    conclude: ({ context }) => conclude(context as ThingContext) as Conclusion,
    completeness: ({ context }) => completeness(context as ThingContext) as number,
    view: () => ({}),
    waitingFor: () => [],
    rehearsal: { traffic: () => [], expect: () => new Map(), showcaseId: "thing" },
    ...rest,
  };
}

/** Lane 3 of a type of things. */
export const thingLane = (type: ActorType): Lane => ({ type, stream: "THINGS", partition: 3 });

/** An event about a thing, of a type alone or of a type with fields; its id is its type and sequence. */
export function thingEvent(
  lane: Lane,
  sequence: number,
  id: string,
  told: string | { eventType: string; [field: string]: unknown },
): Delivery {
  const { eventType, ...fields } = typeof told === "string" ? { eventType: told } : told;
  const timestamp = "2026-02-01T00:00:00Z";
  const body = { thingId: id, eventType, eventId: `${eventType}-${sequence}`, timestamp, ...fields };
  return deliver(sequence, eventSubject(lane.type, id, eventType), body, { lane });
}
