import { expect, it } from "vitest";
import { type AnyStateMachine, assign, createMachine } from "xstate";
import { z } from "zod";
import { device } from "../../examples/device-shadow/actors.ts";
import { claim } from "../../examples/insurance-claim/actors.ts";
import { orderType } from "../../machines/order/order.ts";
import { defineActor } from "../../src/actor/define-actor.ts";
import { findWarnings } from "../../src/testing/find-warnings.ts";

const machine = (config: object) => createMachine(config) as AnyStateMachine;

function warn(states: object, more: object = {}): string[] {
  const type = defineActor({
    name: "thing",
    events: { Opened: z.object({ count: z.int() }), Closed: z.object({}) },
    machine: machine({ id: "thing", initial: "open", context: {}, states }),
    conclude: () => ({ content: null, basedOn: [], decidedAt: null }),
    ...more,
  });
  return findWarnings(type);
}

it("of the types that are there nothing is warned of", () => {
  expect([orderType, claim, device].flatMap((type) => findWarnings(type))).toEqual([]);
});

it("states that nothing leads to, and events that only those handle", () => {
  const states = {
    open: { on: { Opened: "shut" } },
    shut: {},
    lost: { initial: "in", states: { in: { on: { Closed: "#thing.shut" } } } },
  };
  expect(warn(states)).toEqual(["nothing leads to state lost", "no state that something leads to handles Closed"]);
  const left = { ...states, shut: { after: { 1000: "lost" } } };
  expect(warn(left)).toEqual([]);
});

it("an event that is handled by its wildcard only is handled", () => {
  expect(warn({ open: { on: { "Opened.*": {}, Closed: {} } } })).toEqual([]);
});

it("an event with dots is handled by a prefix of its name, and a prefix that none has is told", () => {
  const events = { "payment.received": z.object({}), "payment.card.declined": z.object({}) };
  expect(warn({ open: { on: { "payment.*": {} } } }, { events })).toEqual([]);
  expect(warn({ open: { on: { "payment.*": {}, "refund.*": {}, "payment.received.*": {} } } }, { events })).toEqual([
    "state open handles refund.*, of which its contract knows nothing",
  ]);
  const merging = { open: { on: { "payment.*": "shut" } }, shut: {} };
  expect(warn(merging, { events, ordering: "merge" })).toContainEqual(
    expect.stringMatching(/^it merges, but payment\.\* leads from state open to shut/),
  );
});

it("fields that are looked for on the event, not in its data", () => {
  const guard = ({ event }: { event: { count?: number; data: object } }) => (event.count ?? 0) > 3;
  const count = assign({ n: ({ event }) => event.data.count });
  const states = { open: { on: { Opened: { actions: count }, Closed: "shut" } }, shut: { on: { Opened: { guard } } } };
  expect(warn(states)).toEqual(["Opened's count is looked for as event.count: it is event.data.count"]);
});

it("a contract that throws on what is made for it is told, and ends nothing", () => {
  const events = {
    Opened: z.object({ body: z.string().transform((text) => JSON.parse(`{${text}`)) }),
    Closed: z.object({}),
  };
  expect(warn({ open: { on: { Opened: {}, Closed: {} } } }, { events })).toEqual([
    expect.stringContaining("what events do to it cannot be tried: "),
  ]);
});

it("an event that no state handles, which a start takes", () => {
  expect(warn({ open: { on: { Opened: {} } } })).toEqual(["no state that something leads to handles Closed"]);
});

it("an event that the contract writes in another way", () => {
  const on = { Opened: {}, Closed: {}, Cloesd: {}, "xstate.done.state.thing": {} };
  expect(warn({ open: { on } })).toEqual(["state open handles Cloesd, of which its contract knows nothing"]);
});

it("a machine that merges and whose events lead to states", () => {
  const told = warn(
    { open: { on: { Opened: "shut", Closed: {} } }, shut: { on: { Closed: "open" } } },
    { ordering: "merge" },
  );
  expect(told).toEqual([
    expect.stringContaining("Opened leads from state open to shut"),
    expect.stringContaining("Closed leads from state shut to open"),
    expect.stringContaining("it does not converge, "),
  ]);
});

it("events of the contract that go wrong: that stop an actor, or come to something else each time", () => {
  const actions = () => {
    throw new Error("of no use");
  };
  expect(warn({ open: { on: { Opened: {}, Closed: { guard: actions } } } })).toEqual([
    expect.stringMatching(/^events that its contract takes go wrong: .*of no use/),
  ]);
  const guard = () => new Date().getFullYear() % 2 === 0;
  const told = warn({ open: { on: { Opened: { guard, target: "shut" }, Closed: {} } }, shut: {} });
  expect(told).toEqual([expect.stringContaining("go wrong: its machine or rules depend on Date")]);
});
