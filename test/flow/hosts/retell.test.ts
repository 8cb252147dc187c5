import { expect, it } from "vitest";
import type { Step } from "../../../src/flow/hosts/fold.ts";
import { retell } from "../../../src/flow/hosts/retell.ts";
import type { Timeline } from "../../../src/flow/hosts/timeline.ts";
import { at, fact, Hosted, ORDER } from "./things.ts";

it("tells facts and delays in event-time order, with what each led to and whether it was handled", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Pay", 40), fact("Create", 0));
  actor.pass(50);
  expect(told(actor)).toEqual([
    ["fact", "Create", at(0), false, "open"],
    ["delay", "xstate.after.30000.order.open", at(30), true, "expired"],
    ["fact", "Pay", at(40), false, "expired"],
  ]);
  actor.hear(fact("Pay", 20, {}, "in time"));
  expect(told(actor).map(([, type, , isHandled]) => [type, isHandled])).toEqual([
    ["Create", false],
    ["Pay", true],
    ["Pay", false],
  ]);
});

it("tells delays after the last fact by the time passed", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0));
  expect(told(actor).length).toBe(1);
  actor.pass(30);
  expect(told(actor).at(-1)).toEqual(["delay", "xstate.after.30000.order.open", at(30), true, "expired"]);
});

it("ends with why the fold cannot go on", () => {
  const actor = new Hosted(ORDER, 0);
  actor.hear(fact("Create", 0));
  actor.pass(30);
  const steps: Step[] = [];
  const fault = retell(actor.actor, actor.timeline as Timeline, actor.facts, (step) => steps.push(step));
  expect(steps).toMatchObject([{ kind: "fact" }]);
  expect(fault).toEqual(actor.timeline?.fault);
});

function told({ actor, timeline, facts }: Hosted) {
  const steps: unknown[][] = [];
  retell(actor, timeline as Timeline, facts, ({ kind, event, at, isHandled, moment }) =>
    steps.push([kind, event.type, at, isHandled, moment.snapshot.value]),
  );
  return steps;
}
