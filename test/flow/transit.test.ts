import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { orderEvent } from "./order-events.ts";
import { openStation } from "./station.ts";
import { thingEvent, thingLane, thingType } from "./things.ts";

describe("an event's own trouble", () => {
  const refined = (check: (n: number) => boolean): ActorType => ({
    ...thingType(),
    events: { Counted: z.object({ n: z.number().refine(check) }) },
  });

  const digitOf = (n: number) => /\d/.exec(String(n));

  it.each<[string, ActorType, RegExp]>([
    [
      "a contract that throws",
      refined(() => {
        throw new Error("odd");
      }),
      /event: its contract fails on it: odd/,
    ],
    ["a contract that promises", refined((async () => true) as never), /its contract fails on it: Encountered Promise/],
    [
      "a contract that makes something else of it",
      { ...thingType(), events: { Counted: z.object({ n: z.number().transform((n) => ({ at: new Date(n) })) }) } },
      /event\.n\.at: a Date, which JSON does not keep; its contract makes that of it/,
    ],
    [
      "a contract that makes a list with names of it",
      { ...thingType(), ordering: "event-time", events: { Counted: z.object({ n: z.number().transform(digitOf) }) } },
      /event\.n: an array with holes or names, which JSON does not keep; its contract makes that of it/,
    ],
  ])("%s: a dead letter, nothing else", (_what, type, error) => {
    const lane = thingLane(type);
    using station = openStation();
    const { handled } = station.processor.apply([
      thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 }),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected).toMatchObject({ reason: "invalid_event", error: expect.stringMatching(error) });
  });
});

it("an event that changes the state alone is applied, and decided on", () => {
  const lane = thingLane(
    thingType({
      conclude: () => ({ content: { decisionType: "ThingCounted", n: 0 }, basedOn: [], decidedAt: null }),
    }),
  );
  using station = openStation();
  const { handled } = station.processor.apply([thingEvent(lane, 1, "t", "Closed"), thingEvent(lane, 2, "t", "Closed")]);
  expect(handled.map(({ outcome }) => outcome)).toEqual(["applied", "superseded"]);
  expect(station.row("t")).toMatchObject({ state: "closed", events: 2, completeness: 50 });
  expect(station.decisions("t")).toMatchObject([{ n: 0, causationId: "Closed-1" }]);
});

it("where a machine would come back to counts as its state", () => {
  const machine = createMachine({
    initial: "b",
    on: { Counted: ".a.history", Spoiled: ".a.two", Closed: ".b" },
    states: {
      a: { initial: "one", states: { one: {}, two: {}, history: { type: "history" } } },
      b: {},
    },
  });
  const lane = thingLane({ ...thingType(), machine });
  using station = openStation();
  const told = (sequence: number, type: string) =>
    station.processor.apply([thingEvent(lane, sequence, "t", { eventType: type, n: 1 })]).handled[0]?.outcome;
  expect([1, 2, 3, 4].map((sequence) => told(sequence, sequence === 1 ? "Closed" : "Counted"))).toEqual([
    // The third leaves `a` and comes back: from then on it is known where to.
    ...["superseded", "applied", "applied", "superseded"],
  ]);
  expect([told(5, "Spoiled"), told(6, "Closed")]).toEqual(["applied", "applied"]);
  station.actors.evict(lane, "t");
  expect(told(7, "Counted")).toBe("applied");
  expect(station.row("t").state).toBe("a.two");
});

it("a contract that transforms is read once: replayed, its actors hear what they heard", () => {
  const type: ActorType = {
    ...thingType(),
    events: { Counted: z.object({ n: z.string().transform(Number) }), Spoiled: z.object({}) },
  };
  const lane = thingLane(type);
  using station = openStation();
  station.processor.apply([thingEvent(lane, 1, "t", { eventType: "Counted", n: "5" })]);
  expect(station.decisions("t")).toMatchObject([{ n: 5 }]);
  station.db.exec("UPDATE actors SET machine_version = 99");
  station.actors.evict(lane, "t");
  const { handled } = station.processor.apply([thingEvent(lane, 2, "t", { eventType: "Counted", n: "6" })]);
  expect(handled.map(({ outcome }) => outcome)).toEqual(["applied"]);
  expect(station.rebuilt).toEqual(["thing/t"]);
  expect(JSON.parse(station.row("t").snapshot as string).context.list).toEqual([5, 6]);
});

it("a decision with -0 or without a field's value is the one its stored copy says: no revision after a restart", () => {
  const lane = thingLane(
    thingType({
      conclude: () => ({
        content: { decisionType: "ThingCounted", n: -0, note: undefined },
        basedOn: [],
        decidedAt: null,
      }),
    }),
  );
  using station = openStation();
  station.processor.apply([
    thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 }),
    thingEvent(lane, 2, "t", { eventType: "Counted", n: 2 }),
  ]);
  station.actors.evict(lane, "t");
  station.processor.apply([thingEvent(lane, 3, "t", { eventType: "Counted", n: 3 })]);
  expect(station.decisions("t")).toHaveLength(1);
});

it("what one actor keeps is not shared with another", () => {
  const lane = thingLane(thingType({ does: ({ list }) => list.push(7) }));
  using station = openStation();
  station.processor.apply([
    thingEvent(lane, 1, "bad", "Spoiled"),
    thingEvent(lane, 2, "t", { eventType: "Counted", n: 1 }),
  ]);
  expect(JSON.parse(station.row("t").snapshot as string).context.list).toEqual([1]);
});
