import { expect, it } from "vitest";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { createInertScope } from "../../../src/flow/hosts/inert-scope.ts";
import { createStatechart, isHandled } from "../../../src/flow/hosts/statechart.ts";
import { reviveMoment, storeMoment } from "../../../src/flow/hosts/stored-moment.ts";
import { type Random, seededChoices } from "../../hosting/random.ts";
import { attempt, EVENTS, inJson, makeMachine } from "./random-machines.ts";
import { at } from "./things.ts";

const MACHINES = 600;
const HEARD = 25;

const told = ({ value, status, context, output, tags, _nodes }: AnyMachineSnapshot) =>
  inJson({ value, status, context, output, tags: [...tags], nodes: _nodes.map(({ id }) => id) });

interface Count {
  steps: number;
  handled: number;
}

/** Lets a fold by event time and XState's own step hear the same, coming back from a row now and then. */
function compare(machine: AnyStateMachine, random: Random, count: Count): void {
  const scope = createInertScope();
  const chart = createStatechart(machine);
  let theirs: AnyMachineSnapshot = machine.getInitialSnapshot(scope, { id: "o" });
  let ours = chart.begin("o", at(0));
  expect(told(ours.snapshot)).toEqual(told(theirs));
  for (let heard = 0; heard < HEARD && theirs.status === "active"; heard++) {
    const event = {
      ...{ type: random.pick([...EVENTS, "Unheard"]), eventId: `e-${heard}`, timestamp: at(heard) },
      data: { n: random.int(9) },
    };
    const before = theirs;
    const expected = attempt(() => machine.transition(before, event, scope) as AnyMachineSnapshot);
    const moment = attempt(() => chart.step(ours, event, event.timestamp));
    if (typeof expected === "string" || typeof moment === "string") {
      expect(moment).toBe(expected);
      continue;
    }
    theirs = expected;
    const was = theirs !== before || machine.getTransitionData(before as never, event).length > 0;
    expect([told(moment.snapshot), isHandled(ours, moment, event)]).toEqual([told(theirs), was]);
    count.steps++;
    if (was) count.handled++;
    ours = random.chance(0.2) ? reviveMoment(machine, inJson(storeMoment(moment))) : moment;
    expect(told(ours.snapshot)).toEqual(told(theirs));
  }
}

it("a fold by event time comes to what XState makes of it, and tells what was handled, whatever the machine", () => {
  const count: Count = { steps: 0, handled: 0 };
  for (let seed = 1; seed <= MACHINES; seed++) {
    const random = seededChoices(seed);
    const machine = makeMachine(random, seed % 2 === 0);
    if (typeof attempt(() => createStatechart(machine).begin("o", at(0))) === "string") continue;
    compare(machine, random, count);
  }
  expect(count.handled).toBeGreaterThan(MACHINES);
  expect(count.steps).toBeGreaterThan(2 * count.handled - count.steps);
});
