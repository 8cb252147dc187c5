import { expect, it } from "vitest";
import { assign, createMachine, enqueueActions, raise } from "xstate";
import { at, fact, Hosted } from "./things.ts";

/* Facts that cannot be folded. Each test says: a fault ... */

const partial = createMachine({
  context: { price: null as number | null },
  on: {
    Price: { actions: assign({ price: 5 }) },
    Sell: { actions: assign(({ context }) => (context.price === null ? fail("no price") : { price: null })) },
  },
});

it("names what threw and what was heard, and ends with the fact that was missing", () => {
  const actor = new Hosted(partial);
  expect(actor.hear(fact("Sell", 5))).toMatchObject({ error: { message: `Sell Sell-1 of ${at(5)}: no price` } });
  expect(actor.hear(fact("Other", 9))).toMatchObject({
    error: { message: `Sell Sell-1 of ${at(5)}: no price (heard: Other Other-1 of ${at(9)})` },
  });
  expect(actor.hear(fact("Price", 1))).toEqual({ kind: "reordered", replayed: 2 });
  expect(actor.timeline?.fault).toBeUndefined();
});

it("is told of timers for ever, with the round they go", () => {
  const machine = createMachine({
    id: "m",
    initial: "a",
    states: { a: { after: { 0: "b" } }, b: { after: { 5: "a" } } },
  });
  const actor = new Hosted(machine, 10);
  actor.hear(fact("A", 0));
  expect(actor.pass(1).timeline?.fault?.message).toBe(
    `after 0 ms at a, due ${at(0, "025")}: timers for ever: more than 10 delays without a fact between, ` +
      "in a round: after 0 ms at a, after 5 ms at b; raise maxDelays where so many are meant",
  );
});

it.each([
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [-1, "-1"],
  ["10", '"10"'],
  [null, "null"],
])("is told of a delay of %s", (delay, shown) => {
  const machine = createMachine({ on: { A: { actions: raise({ type: "L" }, { delay: () => delay as number }) } } });
  expect(new Hosted(machine).hear(fact("A", 0))).toMatchObject({
    error: {
      message: `A A-1 of ${at(0)}: the delay of L is ${shown}: expected a finite number of milliseconds, 0 or more`,
    },
  });
});

it("is told of a delay that ends after the year 9999", () => {
  const machine = createMachine({ on: { A: { actions: raise({ type: "L" }, { delay: 1e15 }) } } });
  expect(new Hosted(machine).hear(fact("A", 0))).toMatchObject({
    kind: "held",
    error: { message: expect.stringContaining("ends after the year 9999") },
  });
});

it.each([
  ["spawns", assign(({ spawn }) => ({ child: spawn(createMachine({})) })), "calls nobody"],
  ["spawns and stops", enqueueActions(({ enqueue }) => enqueue.spawnChild(createMachine({}))), "it starts an actor"],
  [
    "sends to another",
    enqueueActions(({ enqueue, self }) => enqueue.sendTo(self, { type: "B" })),
    "it sends to an actor",
  ],
  ["sends to itself", assign(({ self }) => ({ sent: self.send({ type: "B" }) })), "it uses self"],
  ["keeps what JSON changes", assign({ total: Number.NaN }), "context.total: NaN, which JSON does not keep"],
  ["keeps a date", assign({ when: () => new Date(0) }), "context.when: a Date, which JSON does not keep"],
  [
    "changes in place",
    assign(({ context }) => ({ size: (context as { list: number[] }).list.push(1) })),
    "not extensible",
  ],
])("is told when a step %s", (_, actions, reason) => {
  const machine = createMachine({ context: { list: [] as number[] }, on: { A: { actions } } } as never);
  expect(new Hosted(machine).hear(fact("A", 0))).toMatchObject({
    kind: "held",
    error: { message: expect.stringContaining(reason) },
  });
});

it("is told when a step changes its event in place, which is heard again with every replay", () => {
  const actions = assign(({ event }) => ({
    size: (event as unknown as { data: { list: number[] } }).data.list.push(1),
  }));
  const machine = createMachine({ on: { A: { actions } } } as never);
  expect(new Hosted(machine).hear(fact("A", 0, { list: [] }))).toMatchObject({
    error: { message: expect.stringContaining("not extensible") },
  });
});

it("is told when a first step changes in place what is written in the machine", () => {
  const entry = assign(({ context }) => ({ size: (context as { list: number[] }).list.push(1) }));
  const machine = createMachine({ context: { list: [] as number[] }, entry } as never);
  expect(new Hosted(machine).hear(fact("A", 0))).toMatchObject({
    error: { message: expect.stringContaining("not extensible") },
  });
});

it("is told of states that chase each other", () => {
  const machine = createMachine({ initial: "a", states: { a: { always: "b" }, b: { always: "a" } } });
  expect(new Hosted(machine).hear(fact("A", 0))).toMatchObject({
    error: { message: expect.stringContaining("the initial state: Infinite loop") },
  });
});

function fail(message: string): never {
  throw new Error(message);
}
