import { expect, it } from "vitest";
import { assign, createActor, createMachine, sendTo, setup } from "xstate";
import { orderType } from "../../../machines/order/order.ts";
import type { ActorType } from "../../../src/actor/actor-type.ts";
import { decode } from "../../../src/flow/decode.ts";
import { restoreActor, spawnActor } from "../../../src/flow/hosts/host.ts";
import { isRejected } from "../../../src/wire/rejection.ts";
import { orderEvent } from "../order-events.ts";

const type = orderType as ActorType;

it("what is stored is XState's own persisted snapshot, and starts the same actor", () => {
  const ours = spawnActor(type, "o");
  const theirs = createActor(type.machine).start();
  const events = [
    orderEvent(1, "o", "OrderCreated", 1),
    orderEvent(2, "o", "PaymentProcessed", 2),
    orderEvent(3, "o", "InventoryReserved", 3),
  ];
  for (const delivery of events) {
    const observation = decode(delivery, { maxBytes: 10_000 });
    if (isRejected(observation)) throw new Error(observation.error);
    ours.send(observation, () => []);
    theirs.send(observation);
    expect(JSON.parse(ours.persist().snapshot)).toEqual(JSON.parse(JSON.stringify(theirs.getPersistedSnapshot())));
    expect(restoreActor(type, "o", ours.persist(), null)?.persist()).toEqual(ours.persist());
  }
});

it("a state within states is told by its path, parallel ones together, as soon as restored too", () => {
  const machine = createMachine({
    type: "parallel",
    states: { money: { initial: "open", states: { open: {} } }, goods: { initial: "packed", states: { packed: {} } } },
  });
  const live = spawnActor({ ...type, machine }, "o");
  expect(live.state()).toBe("money.open · goods.packed");
  expect(restoreActor({ ...type, machine }, "o", live.persist(), null)?.state()).toBe("money.open · goods.packed");
});

const event = (eventType: string, n = 1) => ({
  type: eventType,
  eventId: `e-${n}`,
  timestamp: "2026-01-01T00:00:00.000Z",
  data: { n },
});

it("who is done keeps its output over a restart, and hears nothing more", () => {
  const machine = createMachine({
    context: { heard: 0 },
    initial: "open",
    states: { open: { on: { Closed: "closed" } }, closed: { type: "final" } },
    output: { closed: true },
    on: { Counted: { actions: assign({ heard: 1 }) } },
  });
  const live = spawnActor({ ...type, machine }, "o");
  live.send(event("Closed"), () => []);
  const restored = restoreActor({ ...type, machine }, "o", live.persist(), null);
  for (const actor of [live, restored]) {
    expect(actor?.send(event("Counted"), () => [])).toEqual({ kind: "superseded", replayed: 0 });
    expect(actor?.snapshot()).toMatchObject({ status: "done", output: { closed: true }, context: { heard: 0 } });
  }
});

it("an output that JSON does not keep is the event's fault, as in a context: a restart would read another", () => {
  const machine = createMachine({
    initial: "open",
    states: { open: { on: { Closed: "closed" } }, closed: { type: "final" } },
    output: () => ({ at: new Date(0) }),
  });
  const live = spawnActor({ ...type, machine }, "o");
  expect(live.send(event("Closed"), () => [])).toMatchObject({
    kind: "error",
    error: { message: "output.at: a Date, which JSON does not keep" },
  });
  expect(live.state()).toBe("open");
});

it("a field that is not there is none, in memory as in a row: what an event did is the same, hot and cold", () => {
  const machine = createMachine({
    types: {} as { context: { note?: string | undefined; less: number; list: { n?: number | undefined }[] } },
    context: { less: 1, list: [] },
    on: {
      Listed: { actions: assign({ less: -0, list: [{ n: undefined }] }) },
      Noted: { actions: assign({ note: undefined }) },
    },
  });
  const hot = spawnActor({ ...type, machine }, "o");
  for (const name of ["Listed", "Noted"]) hot.send(event(name), () => []);
  const cold = restoreActor({ ...type, machine }, "o", hot.persist(), null);
  const [a, b] = [hot, cold].map((live) => ({
    context: live?.snapshot().context,
    effect: live?.send(event("Noted", 2), () => []),
  }));
  expect(a).toStrictEqual(b);
  expect(a).toStrictEqual({ context: { less: 0, list: [{}] }, effect: { kind: "superseded", replayed: 0 } });
});

it("what all actors of a machine begin with is changed in place by none", () => {
  const entry = assign(({ context }) => ({ size: (context as { list: number[] }).list.push(1) }));
  const machine = createMachine({ context: { list: [] as number[] }, entry } as never);
  expect(() => spawnActor({ ...type, machine }, "o")).toThrow("not extensible");
});

it("two that are restored in one state share nothing that an event changes", () => {
  const machine = createMachine({
    types: {} as { context: { n: number }; events: ReturnType<typeof event> },
    context: { n: 0 },
    on: { Counted: { actions: assign({ n: ({ event: { data } }) => data.n }) } },
    initial: "open",
    states: { open: {} },
  });
  const [one, two] = [1, 2].map((n) => {
    const live = spawnActor({ ...type, machine }, "o");
    live.send(event("Counted", n), () => []);
    return restoreActor({ ...type, machine }, "o", live.persist(), null);
  });
  two?.send(event("Counted", 3), () => []);
  expect([one, two].map((actor) => actor?.snapshot().context)).toEqual([{ n: 1 }, { n: 3 }]);
  two?.rewind();
  expect(two?.snapshot().context).toEqual({ n: 2 });
});

it("a state that remembers where it was goes on there once restored", () => {
  const machine = createMachine({
    initial: "work",
    states: {
      work: {
        initial: "first",
        states: { first: { on: { Next: "second" } }, second: {}, back: { type: "history" } },
        on: { Paused: "pause" },
      },
      pause: { on: { Resumed: "work.back" } },
    },
  });
  const live = spawnActor({ ...type, machine }, "o");
  for (const name of ["Next", "Paused"]) live.send(event(name), () => []);
  const restored = restoreActor({ ...type, machine }, "o", live.persist(), null);
  restored?.send(event("Resumed"), () => []);
  expect(restored?.state()).toBe("work.second");
});

it("the machine's own actions are not executed, in the initial state and later", () => {
  const executed: string[] = [];
  const note = (name: string) => () => void executed.push(name);
  const machine = setup({ actions: { named: note("named") } }).createMachine({
    context: { n: 0 },
    entry: note("entry"),
    initial: "open",
    states: { open: { exit: note("exit"), on: { Closed: "closed" } }, closed: { entry: "named" } },
    on: { Counted: { actions: [note("before"), assign({ n: 1 }), { type: "named" }] } },
  });
  const live = spawnActor({ ...type, machine }, "o");
  for (const name of ["Counted", "Closed"]) live.send(event(name), () => []);
  expect(live.snapshot()).toMatchObject({ value: "closed", context: { n: 1 } });
  expect(executed).toEqual([]);
});

it.each([
  ["sends to itself", sendTo(({ self }) => self, { type: "Counted" }), "it sends to an actor: an actor calls nobody"],
  [
    "looks at itself",
    assign(({ self }) => ({ seen: self.getSnapshot() })),
    "it uses self: an actor sends nothing and looks at nothing but its context and the event",
  ],
])("who %s has failed, and is as before", (_name, action, message) => {
  const machine = createMachine({ context: {}, on: { Spoiled: { actions: action as never } } });
  const live = spawnActor({ ...type, machine }, "o");
  const before = live.snapshot();
  expect(live.send(event("Spoiled"), () => [])).toMatchObject({ kind: "error", error: { message } });
  live.rewind();
  expect(live.snapshot()).toEqual(before);
});
