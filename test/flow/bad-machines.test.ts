import { describe, expect, it } from "vitest";
import { assign, createMachine, fromPromise, raise } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { release } from "../../src/care/release.ts";
import { orderEvent } from "./order-events.ts";
import { openStation } from "./station.ts";
import { thingEvent, thingLane, thingType } from "./things.ts";

const badMachines: [string, ActorType["machine"], RegExp][] = [
  [
    "raises events for ever",
    createMachine({ on: { Spoiled: { actions: raise({ type: "Spoiled" }) } } }),
    /Infinite loop detected/,
  ],
  [
    "starts another actor",
    createMachine({
      context: {},
      on: {
        Spoiled: {
          actions: assign(({ spawn }) => ({
            mail: spawn(
              fromPromise(async () => 1),
              { id: "mail" },
            ),
          })),
        },
      },
    }),
    /it starts mail: an actor calls nobody/,
  ],
  [
    "sets a delay",
    createMachine({ on: { Spoiled: { actions: raise({ type: "Counted" }, { delay: () => 10 }) } } }),
    /it sets a delay: an actor knows no clock/,
  ],
  [
    "changes the event",
    createMachine({
      on: {
        Spoiled: {
          actions: assign(({ event }) => {
            event.data.changed = true;
            return {};
          }),
        },
      },
    }),
    /object is not extensible/,
  ],
];

describe("what one actor does wrong", () => {
  it.each(badMachines)("a machine that %s", (_what, machine, error) => {
    const lane = thingLane({ ...thingType(), machine });
    using station = openStation();
    const { handled } = station.processor.apply([
      thingEvent(lane, 1, "bad", "Spoiled"),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(error);
  });

  it("a machine that does not start at all", () => {
    let isBroken = true;
    const machine = createMachine({
      context: () => {
        if (isBroken) throw new Error("not today");
        return {};
      },
    });
    const lane = thingLane({ ...thingType(), machine });
    using station = openStation();
    const { handled } = station.processor.apply([
      thingEvent(lane, 1, "bad", { eventType: "Counted", n: 1 }),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(/not today/);
    isBroken = false;
    expect(release(station.journal, station.processor, lane, "bad")?.handled.map(({ outcome }) => outcome)).toEqual([
      "superseded",
    ]);
  });

  it("a standing decision that is damaged in the store", () => {
    const lane = thingLane(thingType());
    using station = openStation();
    station.processor.apply([thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 })]);
    station.db.exec("UPDATE actors SET standing = '{'");
    station.actors.evict(lane, "t");
    const { handled } = station.processor.apply([
      thingEvent(lane, 2, "t", { eventType: "Counted", n: 2 }),
      thingEvent(lane, 3, "other", { eventType: "Counted", n: 2 }),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(/standing decision is damaged/);
  });
});
