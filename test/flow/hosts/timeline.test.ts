import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { Place } from "../../../src/flow/hosts/fact-order.ts";
import { type End, hear } from "../../../src/flow/hosts/timeline.ts";
import { at, fact, Hosted, LOG, ORDER } from "./things.ts";

it("the order of facts is that of their timestamps, nanoseconds included, then type, then id as UTF-8", () => {
  const facts = [
    fact("A", at(1, "0000001"), {}, "first"),
    fact("A", at(1, "0000002"), {}, "second"),
    fact("A", 2, {}, "b"),
    fact("A", 2, {}, "\ufb01"),
    fact("A", 2, {}, "\u{1f600}"),
    fact("B", 2, {}, "a"),
  ];
  const actor = new Hosted(LOG);
  actor.hear(...facts.toReversed());
  expect(actor.snapshot.context.heard).toEqual(facts.map(({ eventId }) => eventId));
});

it("a latest fact costs one step, an earlier one those until nothing differs any more", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Pay", 1), ...Array.from({ length: 100 }, (_, index) => fact("Noise", 100 + index, {}, `${index}`)));
  expect(actor.steps).toBe(101);
  actor.steps = 0;
  expect(actor.hear(fact("Unknown", 50.5))).toEqual({ kind: "unhandled", replayed: 0 });
  expect(actor.steps).toBeLessThan(20);
  // Shipping changes all that follows.
  expect(actor.hear(fact("Ship", 60))).toEqual({ kind: "reordered", replayed: 100 });
  expect(actor.value).toBe("shipped");
});

it("drops members that are undefined, as a row would", () => {
  const machine = createMachine({
    context: { a: 1 as number | undefined, b: -0 },
    on: { A: { actions: assign({ a: undefined }) } },
  });
  const actor = new Hosted(machine);
  actor.hear(fact("A", 0));
  expect(Object.keys(actor.snapshot.context)).toEqual(["b"]);
  expect(Object.is(actor.snapshot.context.b, 0)).toBe(true);
});

it("a late fact needs no facts that happened before the moment gone back to", () => {
  const actor = new Hosted(LOG);
  actor.hear(...Array.from({ length: 1000 }, (_, index) => fact("A", index, {}, `${index}`)));
  let needed: Place | undefined;
  const { timeline } = hear(actor.actor, actor.timeline, fact("A", 990.5, {}, "late"), (after) => {
    needed = after;
    return actor.facts.slice(-15);
  });
  expect(needed?.timestamp).toBe(at(990));
  expect(timeline.count).toBe(1001);
  expect((timeline.end as End).now.moment.snapshot.context.heard.slice(-10, -8)).toEqual(["late", "991"]);
});
