import { describe, expect, it } from "vitest";
import {
  type AnyMachineSnapshot,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromPromise,
  raise,
  stateIn,
} from "xstate";
import { createDirectStep } from "../../../src/flow/hosts/direct-step.ts";
import { createInertScope } from "../../../src/flow/hosts/inert-scope.ts";
import { createStatechart } from "../../../src/flow/hosts/statechart.ts";
import { at, fact } from "./things.ts";

const NAMED = { add: assign(({ context, event }) => ({ n: context.n + (event.data?.n ?? 10) })) };

interface Types {
  context: { n: number; log: string[]; gone?: number | undefined };
  events: { type: string; data?: { n: number } };
}

const machine = createMachine(
  {
    types: {} as Types,
    context: { n: 0, log: [] },
    initial: "flat",
    on: {
      Named: { actions: "add" },
      Object: { actions: { type: "add" } },
      Inline: { actions: assign({ n: 7, log: ({ context }) => [...context.log, `${context.n}`] }) },
      Twice: { actions: ["add", "add", { type: "by", params: ({ context }) => ({ by: context.n }) }] },
      Nothing: { actions: assign({}) },
      Gone: { actions: assign({ gone: undefined }) },
      Own: { actions: [() => expect.unreachable("executed"), "unknown", { type: "also unknown" }] },
      Empty: {},
      Guarded: [{ guard: ({ context }) => context.n > 5, actions: "add" }, { actions: assign({ n: -1 }) }],
      Throws: {
        actions: assign(() => {
          throw new Error("no such thing");
        }),
      },
      Enqueues: { actions: enqueueActions(({ enqueue }) => enqueue("add")) },
      Raises: { actions: [raise({ type: "Named" }), "add"] },
      Leads: ".eventless",
      Looks: ".looking",
      Forks: ".forked",
      Wilds: ".wild",
      SpawnsNameless: {
        actions: assign(({ spawn }) => {
          spawn(fromPromise(async () => 1));
          return {};
        }),
      },
      Spawns: {
        actions: assign(({ spawn }) => {
          spawn(
            fromPromise(async () => 1),
            { id: "child" },
          );
          return {};
        }),
      },
    },
    states: {
      flat: { on: { Forbidden: undefined, Reentered: { target: "flat", reenter: true, actions: "add" } } },
      eventless: { always: { guard: { type: "isMore", params: { than: 20 } }, target: "flat", actions: "add" } },
      looking: { always: { guard: stateIn("flat"), target: "flat" } },
      wild: { on: { "*": [{ guard: ({ context }) => context.n > 5, actions: "add" }, { actions: assign({ n: 7 }) }] } },
      forked: {
        type: "parallel",
        states: {
          left: { on: { Both: { actions: "add" }, One: { actions: "add" } } },
          right: { on: { Both: { actions: "add" } } },
        },
      },
    },
  },
  {
    actions: {
      ...(NAMED as object),
      by: assign(({ context }, { by }: { by: number }) => ({ n: context.n * 100 + by })),
    },
    guards: { isMore: ({ context }: Types, { than }: { than: number }) => context.n > than },
  } as never,
);

const assignDirectly = createDirectStep(createInertScope());
const start = (...before: string[]) => {
  const chart = createStatechart(machine);
  let moment = chart.begin("it", at(0));
  for (const type of before) moment = chart.step(moment, fact(type, 1), at(1));
  return { chart, moment };
};
const plain = ({ value, context, status }: AnyMachineSnapshot) =>
  JSON.parse(JSON.stringify({ value, context, status }));

/** What a live actor comes to, whose own actions are not executed. */
function live(...types: string[]) {
  const actor = createActor(machine.provide({ actions: { unknown: () => {}, "also unknown": () => {} } as never }));
  actor.start();
  for (const type of types) actor.send(fact(type, 1) as never);
  return plain(actor.getSnapshot() as AnyMachineSnapshot);
}

describe("a step that only assigns", () => {
  it.each(["Named", "Object", "Inline", "Twice", "Nothing", "Gone", "Empty", "Guarded", "Forbidden", "Unheard"])(
    "%s is made without XState, and comes to what XState makes of it",
    (type) => {
      const { chart, moment } = start("Named");
      expect(assignDirectly(moment.snapshot, fact(type, 1))).toBeDefined();
      expect(plain(chart.step(moment, fact(type, 1), at(1)).snapshot)).toEqual(live("Named", type));
    },
  );

  it.each([
    ["its guards are asked each time", ["Guarded", "Inline", "Guarded", "Guarded"]],
    ["a wildcard's guards, too", ["Wilds", "Any", "Any", "Any"]],
    ["one state's transition is not another's", ["Any", "Named", "Wilds", "Any", "Named"]],
  ])("%s", (_, types) => {
    const { chart, moment } = start(...types);
    expect(moment.snapshot.machine).toBe(chart.machine);
    expect(plain(moment.snapshot)).toEqual(live(...types));
  });

  it("of one parallel state too", () => {
    const { chart, moment } = start("Forks");
    expect(assignDirectly(moment.snapshot, fact("One", 1))).toBeDefined();
    expect(plain(chart.step(moment, fact("One", 1), at(1)).snapshot)).toEqual(live("Forks", "One"));
  });

  it("with eventless transitions of which none is taken, too", () => {
    const { chart, moment } = start("Leads");
    expect(assignDirectly(moment.snapshot, fact("Named", 1))).toBeDefined();
    const after = chart.step(moment, fact("Named", 1), at(1)).snapshot;
    expect(plain(after)).toEqual(live("Leads", "Named"));
    expect(after.value).toBe("eventless");
  });

  it("does not execute the machine's own actions", () => {
    const { chart, moment } = start();
    expect(assignDirectly(moment.snapshot, fact("Own", 1))).toBe(moment.snapshot.context);
    expect(chart.step(moment, fact("Own", 1), at(1))).toBe(moment);
  });

  it("throws what its machine throws, and says what it may not", () => {
    const { chart, moment } = start();
    expect(() => chart.step(moment, fact("Throws", 1), at(1))).toThrow("no such thing");
    expect(() => chart.step(moment, fact("Spawns", 1), at(1))).toThrow("it starts child: an actor calls nobody");
    // Whoever is tried twice says the same twice: its number is another each time.
    for (const _ of [1, 2]) {
      expect(() => chart.step(moment, fact("SpawnsNameless", 1), at(1))).toThrow("it starts an actor: an actor calls");
    }
  });
});

it.each([
  ["Enqueues", "flat"],
  ["Raises", "flat"],
  ["Leads", "flat"],
  ["Reentered", "flat"],
  ["Named", "eventless"],
  ["Named", "looking"],
  ["Both", "forked"],
])("%s in %s is a step for XState", (type, state) => {
  const before =
    { flat: [], eventless: ["Named", "Named", "Leads"], looking: ["Looks"], forked: ["Forks"] }[state] ?? [];
  const { chart, moment } = start(...before);
  expect(moment.snapshot.value).toEqual(state === "forked" ? { forked: { left: {}, right: {} } } : state);
  expect(assignDirectly(moment.snapshot, fact(type, 1))).toBeUndefined();
  expect(plain(chart.step(moment, fact(type, 1), at(1)).snapshot)).toEqual(live(...before, type));
});
