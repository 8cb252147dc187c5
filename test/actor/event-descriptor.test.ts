import { expect, it } from "vitest";
import { createActor, createMachine } from "xstate";
import { z } from "zod";
import { defineActor } from "../../src/actor/define-actor.ts";
import { closestFirst, describesEvent } from "../../src/actor/event-descriptor.ts";

const KEYS = ["*", "a", "a.*", "a.b", "a.b.*", "a.b.c", "ab.*", "b.*", "a.*.c", ".*", "A.*"];
const TYPES = ["a", "a.b", "a.b.c", "a.c", "ab", "ab.c", "b", "c"];

/** The key of `keys` by which XState takes the event; of one that only a key it does not take is for, undefined. */
function takenBy(keys: readonly string[], type: string): string | undefined {
  let taken: string | undefined;
  const on = Object.fromEntries(keys.map((key) => [key, { actions: () => (taken = key) }]));
  createActor(createMachine({ on } as never))
    .start()
    .send({ type } as never);
  return taken;
}

it("a key is for the events that XState takes by it, and the closest is tried first", () => {
  for (const type of TYPES) {
    const described = KEYS.filter((key) => describesEvent(key, type));
    expect(described).toEqual(KEYS.filter((key) => takenBy([key], type) !== undefined));
    for (const keys of [described, described.toReversed()]) {
      expect(keys.toSorted(closestFirst(type))[0]).toBe(takenBy(keys, type));
    }
  }
});

it("an actor waits for all that a key with a wildcard is for, but for what a closer one forbids", () => {
  const machine = createMachine({
    initial: "open",
    states: {
      open: { on: { "payment.*": "paid", "payment.failed": {}, "refund.*": "open", "refund.card.*": {} } },
      paid: {},
    },
  });
  const names = ["payment", "payment.received", "payment.failed", "refund.cash", "refund.card.expired", "paid"];
  const type = defineActor({
    name: "bill",
    events: Object.fromEntries(names.map((name) => [name, z.object({})])),
    machine,
    conclude: () => ({ content: null }),
  });
  const seen = { context: {}, status: "active" as const, output: undefined, tags: new Set<string>() };
  const waitingFor = type.waitingFor({ ...seen, value: "open", matches: () => false } as never);
  expect(waitingFor).toEqual(["payment", "payment.received", "refund.cash"]);
});
