import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { proveActor } from "../../src/care/prove-actor.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import type { ActorImage } from "../../src/store/stored-actor.ts";
import { hostActor } from "../../src/testing/hosted-actor.ts";
import { typeOf, WRONG_MACHINES } from "../testing/wrong-machines.ts";

const type = typeOf(WRONG_MACHINES["an event leads to a state"] as never);

/** As the store has an actor that was paid, and cancelled a minute later. */
function image(): ActorImage {
  const actor = hostActor(type, "w-1");
  const hear = (timestamp: string, event: { readonly eventType: string }) =>
    actor.hear({ ...event, timestamp }, Date.parse(timestamp));
  hear("2026-01-01T10:00:00Z", { eventType: "Paid", amount: 3 } as never);
  hear("2026-01-01T10:01:00Z", { eventType: "Cancelled", by: "Ada" } as never);
  return { events: actor.events() } as unknown as ActorImage;
}

it("an actor whose machine does not merge is found out by its own events", () => {
  const found = [1, 2, 3, 4, 5].map((seed) => atOnce(proveActor(type, "w-1", image(), seed)));
  expect(found).toContainEqual(["state", "value"]);
  // By event time the same machine does.
  const { ordering: _ordering, ...hosted } = type;
  expect(atOnce(proveActor(hosted, "w-1", image(), 1))).toEqual([]);
});

/** As the store has an actor that was paid once a minute, so often. */
function paid(of: ActorType, times: number): ActorImage {
  const actor = hostActor({ ...of, maxFacts: 10_000 }, "w-1");
  for (let index = 0; index < times; index++) {
    const ms = Date.parse("2026-01-01T10:00:00Z") + index * 60_000;
    actor.hear({ eventType: "Paid", amount: index % 5, timestamp: new Date(ms).toISOString() } as never, ms);
  }
  return { events: actor.events() } as unknown as ActorImage;
}

it("a type that bounds how many facts others may come before is not taken for one that depends on the order", () => {
  const machine = createMachine({
    context: { sum: 0 },
    on: { Paid: { actions: assign({ sum: ({ context, event }) => context.sum * 2 + event.data.amount }) } },
  } as never);
  const { ordering: _ordering, ...hosted } = { ...type, machine, states: ["(machine)"], maxFacts: 8 } as ActorType;
  expect(atOnce(proveActor(hosted, "w-1", paid(hosted, 24), 1))).toEqual([]);
});

it("of one that waits for times, fewer events are folded again: between any two, many delays may end", () => {
  const machine = createMachine({ initial: "on", states: { on: { after: { 60000: "off" } }, off: {} } });
  const { ordering: _ordering, ...waiting } = { ...type, machine, conclude: () => ({ content: null }) } as ActorType;
  const hears = [...proveActor(waiting, "w-1", paid(waiting, 60), 1)].length;
  // Twice in the order in which they happened, twice in another with some of them doubled.
  expect(hears).toBeGreaterThanOrEqual(4 * 20);
  expect(hears).toBeLessThanOrEqual(6 * 20);
});
