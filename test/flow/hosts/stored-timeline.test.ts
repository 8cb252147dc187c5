import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { reviveTimeline, storeAnchors, storeTimeline } from "../../../src/flow/hosts/stored-timeline.ts";
import { settleBefore, type Timeline } from "../../../src/flow/hosts/timeline.ts";
import { at, fact, Hosted, LOG, ORDER } from "./things.ts";

const json = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));

it("comes back from a row with its delays", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0));
  const row = json(storeTimeline(actor.timeline as never));
  actor.timeline = reviveTimeline(ORDER, row, []);
  expect(actor.due).toEqual([at(30)]);
  expect(actor.pass(31).value).toBe("expired");
});

it("comes back in the state it was in, where several have one id", () => {
  const states = { s: { on: { Go: "a" } }, a: { id: "x", on: { Go: "b" } }, b: { id: "x", on: { Go: "c" } }, c: {} };
  const machine = createMachine({ initial: "s", states });
  const actor = new Hosted(machine);
  const values = ["a", "b", "c"].map((_, index) => {
    actor.hear(fact("Go", index, {}, `${index}`));
    actor.timeline = reviveTimeline(machine, json(storeTimeline(actor.timeline as Timeline)), []);
    return actor.value;
  });
  expect(values).toEqual(["a", "b", "c"]);
});

it("does not come back for a machine that has no such states", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0));
  expect(
    reviveTimeline(
      createMachine({ id: "order", initial: "a", states: { a: {} } }),
      storeTimeline(actor.timeline as never),
      [],
    ),
  ).toBeUndefined();
});

it("does not come back for a machine that lacks a state it was once in", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0), fact("Pay", 1), fact("Ship", 2));
  const row = json(storeTimeline(actor.timeline as Timeline));
  const anchors = json(storeAnchors(actor.timeline as Timeline));
  const later = createMachine({ id: "order", initial: "paid", states: { paid: {}, shipped: {} } });
  expect(reviveTimeline(later, row, [])?.count).toBe(3);
  expect(reviveTimeline(later, row, anchors)).toBeUndefined();
});

it("goes back to a stored anchor, and to none that later facts have overtaken", () => {
  const actor = new Hosted(LOG);
  actor.hear(...Array.from({ length: 200 }, (_, index) => fact("A", index * 2, {}, `${index}`)));
  const anchors = json(storeAnchors(actor.timeline as never));
  expect(anchors.length).toBeLessThan(15);
  actor.hear(fact("A", 1, {}, "early"));
  actor.timeline = reviveTimeline(LOG, json(storeTimeline(actor.timeline as never)), anchors);
  actor.hear(fact("A", 397, {}, "late"));
  const expected = [...actor.facts].sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1)).map(({ eventId }) => eventId);
  expect(actor.snapshot.context.heard).toEqual(expected);
  // Its anchors were written before the early fact: all is folded once, then not again.
  actor.steps = 0;
  actor.hear(fact("A", 395, {}, "later"));
  expect(actor.steps).toBeLessThan(10);
});

it("keeps few moments of many facts", () => {
  const actor = new Hosted(ORDER);
  actor.hear(...Array.from({ length: 1000 }, (_, index) => fact("A", index, {}, `${index}`)));
  expect(actor.timeline?.anchors.length).toBeLessThan(70);
  expect(storeAnchors(actor.timeline as never).length).toBeLessThan(15);
});

it("needs no facts that are settled", () => {
  const actor = new Hosted(LOG);
  actor.hear(...Array.from({ length: 100 }, (_, index) => fact("A", index * 2, {}, `${index}`)));
  const settled = settleBefore(actor.timeline as Timeline, at(180), () => actor.facts);
  const { base } = settled;
  expect(base?.count).toBeGreaterThan(80);
  // At the very time it was settled for another can still be heard.
  expect(base?.place.timestamp).toBe(at(178));
  const late = fact("A", 181, {}, "late");
  actor.timeline = reviveTimeline(LOG, json(storeTimeline(settled)), []);
  actor.facts.splice(0, base?.count ?? 0);
  expect(actor.hear(late)).toEqual({ kind: "reordered", replayed: 9 });
  expect(actor.timeline?.count).toBe(101);
  expect(actor.snapshot.context.heard.indexOf("late")).toBe(91);
});
