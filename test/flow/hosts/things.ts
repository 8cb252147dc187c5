import { type AnyStateMachine, assign, createMachine } from "xstate";
import type { ActorEvent } from "../../../src/actor/actor-type.ts";
import type { Actor } from "../../../src/flow/hosts/fold.ts";
import { createStatechart } from "../../../src/flow/hosts/statechart.ts";
import { type Heard, hear, pass, type Timeline } from "../../../src/flow/hosts/timeline.ts";

/** Event time: the second, and what comes after the point. */
export function at(second: number, fraction = "000"): string {
  return `${new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().slice(0, 20)}${fraction}Z`;
}

export function fact(type: string, second: number | string, data: object = {}, eventId = `${type}-1`): ActorEvent {
  return { type, eventId, timestamp: typeof second === "string" ? second : at(second), data: { ...data } };
}

/** One actor as the path would keep it: its timeline, its facts, and how many steps it took. */
export class Hosted {
  readonly actor: Actor;
  readonly facts: ActorEvent[] = [];
  timeline: Timeline | undefined;
  steps = 0;

  constructor(machine: AnyStateMachine, maxDelays = 1000) {
    const chart = createStatechart(machine);
    const step: typeof chart.step = (...given) => {
      this.steps++;
      return chart.step(...given);
    };
    this.actor = { chart: { ...chart, step }, id: "it", maxDelays };
  }

  hear(...facts: readonly ActorEvent[]): Heard {
    let heard: Heard | undefined;
    for (const each of facts) {
      const outcome = hear(this.actor, this.timeline, each, () => this.facts);
      this.timeline = outcome.timeline;
      heard = outcome.heard;
      this.facts.push(each);
    }
    return heard as Heard;
  }

  pass(second: number): this {
    if (this.timeline !== undefined) this.timeline = pass(this.actor, this.timeline, at(second));
    return this;
  }

  get snapshot() {
    const end = this.timeline?.end;
    if (end === undefined) throw new Error("nothing was folded");
    return end.now.moment.snapshot;
  }

  get value() {
    return this.snapshot.value;
  }

  get due(): string[] {
    return this.timeline?.end?.now.moment.timers.map(({ due }) => due) ?? [];
  }
}

/** Paid within 30 s, else expired. */
export const ORDER = createMachine({
  id: "order",
  initial: "open",
  context: { paidAt: "", expiredAt: "" },
  states: {
    open: {
      on: {
        Pay: { target: "paid", actions: assign({ paidAt: ({ event }) => (event as unknown as ActorEvent).timestamp }) },
      },
      after: {
        30000: {
          target: "expired",
          actions: assign({ expiredAt: ({ event }) => (event as unknown as ActorEvent).timestamp }),
        },
      },
    },
    paid: { on: { Ship: "shipped" } },
    shipped: {},
    expired: {},
  },
});

/** Remembers each event it hears. */
export const LOG = createMachine({
  id: "log",
  context: { heard: [] as string[] },
  on: {
    "*": {
      actions: assign({
        heard: ({ context, event }) => [...context.heard, (event as unknown as ActorEvent).eventId ?? event.type],
      }),
    },
  },
});
