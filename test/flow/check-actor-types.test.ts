import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../machines/actor-type.ts";
import { actorTypes } from "../../machines/registry.ts";
import { checkActorTypes } from "../../src/flow/check-actor-types.ts";
import { parcelType } from "../e2e/parcel.ts";

const order = actorTypes[0] as ActorType;
const changed = (change: Partial<ActorType>): ActorType => ({ ...parcelType, ...change });
const machine = (config: Parameters<typeof createMachine>[0]) =>
  createMachine({ ...config, on: Object.fromEntries(Object.keys(parcelType.events).map((type) => [type, {}])) });
const flat = Object.fromEntries(parcelType.states.map((state) => [state, {}]));
const initial = parcelType.states[0] as string;

it("nothing is wrong with those there are", () => {
  expect(checkActorTypes([...actorTypes, parcelType])).toEqual([]);
});

it.each<[string, Partial<ActorType>, RegExp]>([
  ["a collection that is no subject token", { collection: "my parcels" }, /collection "my parcels" is not/],
  ["a name in capitals", { name: "Parcel" }, /name "Parcel" is not/],
  ["a collection of ours", { collection: "decisions" }, /taken by natstate/],
  ["a collection of another", { collection: order.collection }, /another with the collection "orders"/],
  ["a name of another", { name: order.name }, /another of this name/],
  ["a state missing", { states: parcelType.states.slice(1) }, /states are .*, those of its machine are/],
  ["an event nobody handles", { machine: createMachine({ initial, states: flat }) }, /no state of its machine handles/],
  [
    "a delay",
    { machine: machine({ initial, states: { ...flat, [initial]: { after: { 1000: parcelType.states[1] } } } }) },
    /has a delay/,
  ],
  [
    "a call",
    { machine: machine({ initial, states: { ...flat, [initial]: { invoke: { src: "fetch" } } } }) },
    /invokes something/,
  ],
  ["a withdrawal that is no decision", { withdrawn: "Never" }, /withdrawn "Never" is none of/],
  ["decisions not described", { decisions: {} }, /does not describe/],
  ["a view over an answer's field", { view: () => ({ decision: 1 }) }, /its view has decision/],
  [
    "a view that fails on nothing",
    {
      view() {
        throw new Error("no facets");
      },
    },
    /fails on an actor nothing is known of: no facets/,
  ],
])("%s is told", (_what, change, problem) => {
  expect(checkActorTypes([order, changed(change)]).join("\n")).toMatch(problem);
});

it("all problems are told at once, with the type's name", () => {
  const problems = checkActorTypes([order, changed({ collection: "orders", withdrawn: "Never" })]);
  expect(problems).toHaveLength(2);
  for (const problem of problems) expect(problem).toMatch(/^actor type "parcel": /);
});

it("no types at all are told", () => {
  expect(checkActorTypes([])).toHaveLength(1);
});
