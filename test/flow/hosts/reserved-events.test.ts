import { describe, expect, it } from "vitest";
import {
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  raise,
  SimulatedClock,
} from "xstate";
import { findRefusals } from "../../../src/actor/statechart-refusals.ts";
import { fact, Hosted } from "./things.ts";

/** Names that a live actor, hearing them after a delay, does not take for events. */
const OWN = ["xstate.stop", "xstate.init", "xstate.error.actor.a", "xstate.error.actor", "*"];
/** Names that look like it. */
const LIKE = [
  "xstate.done.actor.a",
  "xstate.done.state.m.s",
  "xstate.error.a",
  "xstate.after.7.m.s",
  "xstate.stopped",
  "xstate",
];
const HANDLERS = ["none", "its own", "any"] as const;

const DELAYED = { delay: 5 };

/** Raises the event when it hears A, and notes what it hears; B is heard after that. */
function machineOf(type: string, handler: (typeof HANDLERS)[number], action: unknown): AnyStateMachine {
  const note = assign({ heard: ({ context, event }) => [...(context.heard as string[]), event.type] });
  const others = { none: {}, "its own": { [type]: { actions: note } }, any: { "*": { actions: note } } }[handler];
  return createMachine({
    id: "m",
    context: { heard: [] as string[] },
    initial: "s",
    on: { B: { actions: note }, ...others },
    states: { s: { on: { A: { actions: action } } } },
  } as never);
}

function heardLive(machine: AnyStateMachine): unknown {
  const clock = new SimulatedClock();
  const actor = createActor(machine, { clock });
  actor.subscribe({ error() {} });
  actor.start().send({ type: "A" });
  clock.increment(10);
  const { status } = actor.getSnapshot();
  if (status !== "active") return status;
  actor.send({ type: "B" });
  return actor.getSnapshot().context.heard;
}

function heardHere(machine: AnyStateMachine): unknown {
  const actor = new Hosted(machine);
  actor.hear(fact("A", 0), fact("B", 10));
  return actor.timeline?.fault?.message ?? actor.snapshot.context.heard;
}

describe.each(OWN)("%s, raised with a delay", (type) => {
  it("is no event to a live actor, and refused before the machine runs", () => {
    const machine = machineOf(type, "none", raise({ type }, DELAYED));
    expect(findRefusals(machine)).toEqual([
      `state s, on A: raises ${type} with a delay: the name is XState's own, choose another`,
    ]);
    // XState's `init` is not even told: the machine hears nothing although it has a handler.
    if (type === "xstate.init") expect(heardLive(machineOf(type, "its own", raise({ type }, DELAYED)))).toEqual(["B"]);
    else expect(["stopped", "error"]).toContain(heardLive(machine));
  });

  it.each([
    ["is made up", raise(() => ({ type }), DELAYED)],
    ["hides in a function", enqueueActions(({ enqueue }) => enqueue.raise({ type } as never, DELAYED))],
  ])("is a fault of the actor where its name %s", (_how, action) => {
    const machine = machineOf(type, "any", action);
    expect(findRefusals(machine)).toEqual([]);
    expect(heardHere(machine)).toContain(`it raises ${type} with a delay: the name is XState's own, choose another`);
  });
});

const AT_ONCE = [...OWN, ...LIKE].map((type) => [type, "at once", undefined] as const);
const LATER = LIKE.map((type) => [type, "with a delay", DELAYED] as const);

describe.each([...AT_ONCE, ...LATER])("%s, raised %s", (type, _when, options) => {
  it.each(HANDLERS)("is heard as in a live actor, handler: %s", (handler) => {
    const machine = machineOf(type, handler, raise({ type }, options));
    expect(findRefusals(machine)).toEqual([]);
    expect(heardHere(machine)).toEqual(heardLive(machine));
  });
});
