import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { ActorType } from "../../../src/actor/actor-type.ts";
import { spawnActor } from "../../../src/flow/hosts/host.ts";
import { createStatechart } from "../../../src/flow/hosts/statechart.ts";
import { parcelType } from "../../parcel.ts";
import { at, fact } from "./things.ts";

const machine = createMachine({
  context: { beats: 0 },
  type: "parallel",
  states: {
    line: {
      initial: "quiet",
      states: {
        quiet: { on: { Beat: "alive" } },
        alive: { tags: "well", on: { Beat: { target: "alive", reenter: true, actions: "count" }, End: "quiet" } },
      },
    },
    lamp: { initial: "off", states: { off: { on: { Lit: "on" } }, on: {} } },
  },
}).provide({ actions: { count: assign({ beats: ({ context }) => context.beats + 1 }) } });

/** What two moments have in common as one object. */
function inCommon(...[one, other]: readonly { readonly snapshot: object }[]): string[] {
  const [first, second] = [one?.snapshot, other?.snapshot] as readonly Readonly<Record<string, unknown>>[];
  return ["_nodes", "value", "tags"].filter((name) => first?.[name] === second?.[name]);
}

it("moments in the same states share what follows from them, those of two actors as well", () => {
  const chart = createStatechart(machine);
  const alive = (id: string) => chart.step(chart.begin(id, at(1)), fact("Beat", 2), at(2));
  const [one, other] = [alive("a"), alive("b")];
  const again = chart.step(one, fact("Beat", 3), at(3));
  expect([inCommon(one, other), inCommon(one, again)]).toEqual(Array(2).fill(["_nodes", "value", "tags"]));
  expect([one, other, again].map(({ snapshot }) => snapshot.context.beats)).toEqual([0, 0, 1]);
  const lit = chart.step(again, fact("Lit", 4), at(4));
  expect(lit.snapshot.value).toEqual({ line: "alive", lamp: "on" });
  expect(inCommon(again, lit)).toEqual([]);
});

it("states of one id are as many as there are", () => {
  const states = { a: { id: "x", on: { Go: "b" } }, b: { id: "x", on: { Go: "c" } }, c: {} };
  const chart = createStatechart(createMachine({ initial: "a", states }));
  const moments = [chart.begin("it", at(1))];
  for (const second of [2, 3]) {
    const before = moments.at(-1) as (typeof moments)[number];
    moments.push(chart.step(before, fact("Go", second), at(second)));
  }
  expect(moments.map(({ snapshot }) => snapshot.value)).toEqual(["a", "b", "c"]);
});

it.each(["merge", "event-time"] as const)("%s: tags that a rule changes are those of others no less", (ordering) => {
  const tagged = createMachine({ context: {}, initial: "a", states: { a: { tags: "well" } } });
  const type = { ...parcelType, machine: tagged, ordering } as unknown as ActorType;
  const rule = (tags: ReadonlySet<string>) => (tags as Set<string>).delete("well");
  const [one, other] = [spawnActor(type, "one"), spawnActor(type, "other")];
  expect(rule(one.snapshot().tags)).toBe(true);
  expect([...other.snapshot().tags]).toEqual(["well"]);
});

it("a value is frozen: no rule changes it for others", () => {
  const chart = createStatechart(machine);
  const { snapshot } = chart.begin("a", at(1));
  const value = snapshot.value as { line: string };
  expect(() => {
    value.line = "alive";
  }).toThrow(TypeError);
});
