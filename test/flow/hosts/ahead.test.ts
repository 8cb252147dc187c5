import { expect, it } from "vitest";
import { createAhead } from "../../../src/flow/hosts/ahead.ts";
import { hear } from "../../../src/flow/hosts/timeline.ts";
import { atOnce } from "../../../src/flow/pieces.ts";
import { at, fact, Hosted, LOG } from "./things.ts";

const COUNT = 200;

/** An actor that has heard as many facts, and one that happened before them. */
function late() {
  const actor = new Hosted(LOG);
  actor.hear(...Array.from({ length: COUNT }, (_, index) => fact("Any", index + 10, {}, `${index}`)));
  return { actor, ahead: createAhead(actor.actor), past: () => actor.facts, event: fact("Any", 1, {}, "late") };
}

it("a fact that was folded bit by bit is heard without another step, and comes to the same", () => {
  const { actor, ahead, past, event } = late();
  const pieces = ahead.prepare(actor.timeline, event, past);
  let steps = 0;
  for (let before = actor.steps; pieces.next().done !== true; before = actor.steps) {
    steps = Math.max(steps, actor.steps - before);
  }
  expect(steps).toBeGreaterThan(0);
  expect(steps).toBeLessThan(COUNT / 2);
  actor.steps = 0;
  const outcome = ahead.hear(actor.timeline, { ...event }, past);
  expect(actor.steps).toBe(0);
  expect(outcome).toEqual(hear(actor.actor, actor.timeline, event, past));
});

it.each([
  ["another fact is heard", (event: ReturnType<typeof fact>) => ({ ...event, eventId: "other" })],
  ["the fact says something else", (event: ReturnType<typeof fact>) => ({ ...event, data: { n: 1 } })],
])("what was prepared is not taken when %s", (_, other) => {
  const { actor, ahead, past, event } = late();
  atOnce(ahead.prepare(actor.timeline, event, past));
  const heard = ahead.hear(actor.timeline, other(event), past);
  expect(heard).toEqual(hear(actor.actor, actor.timeline, other(event), past));
});

it("what was prepared is not taken when something was heard, or time passed, since", () => {
  const { actor, ahead, past, event } = late();
  atOnce(ahead.prepare(actor.timeline, event, past));
  actor.pass(1000);
  expect(ahead.hear(actor.timeline, event, past).timeline.passed).toBe(at(1000));
  actor.hear(fact("Any", 500, {}, "last"));
  expect(ahead.hear(actor.timeline, event, past).timeline.count).toBe(COUNT + 2);
});
