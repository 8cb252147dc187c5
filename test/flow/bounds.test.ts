import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { moveHorizon } from "../../src/flow/hosts/horizon.ts";
import { meterEvent, meterLane, meterTime } from "./meters.ts";
import { applyEach, openStation, type Station } from "./station.ts";

const reasons = ({ db }: Station) => db.prepare("SELECT reason, error FROM dead_letters").raw().all();

describe("a type that bounds how many facts of an actor others may come before", () => {
  const lane = meterLane({ maxFacts: 8 });
  /** So many in order, the first at second 10. */
  const some = (count: number, first = 10) =>
    Array.from({ length: count }, (_, index) => meterEvent(lane, first + index, first + index));
  const late = (sequence: number, second: number) => meterEvent(lane, sequence, second, { type: "Spoiled" });

  it("of an actor with few, one may come before all of them", () => {
    using station = openStation();
    applyEach(station, [...some(9, 20), late(100, 5)]);
    expect(reasons(station)).toEqual([]);
    expect(station.row("busy")).toMatchObject({ events: 10 });
  });

  it("of one with many, what happened before the newest so many is too late, and it says what to do", () => {
    using station = openStation();
    applyEach(station, [...some(11), late(100, 12), late(101, 13)]);
    const bound = "before the newest 8 events of its actor; raise maxFacts of meter, or give it latenessMs";
    expect(reasons(station)).toEqual([["too_late", `timestamp: ${meterTime(12)} of Spoiled is ${bound}`]]);
    expect(station.row("busy")).toMatchObject({ events: 12 });
  });

  it("it may be raised while an actor is at its bound", () => {
    using station = openStation();
    applyEach(station, some(11));
    station.actors.evictLane(lane);
    const raised = meterLane({ maxFacts: 100 });
    applyEach(
      station,
      [...some(10, 21), late(60, 15), late(61, 11)].map((each) => ({ ...each, lane: raised })),
    );
    const bound = "before the newest 100 events of its actor; raise maxFacts of meter, or give it latenessMs";
    expect(reasons(station)).toEqual([["too_late", `timestamp: ${meterTime(11)} of Spoiled is ${bound}`]]);
    expect(station.row("busy")).toMatchObject({ events: 22 });
  });

  it.each([
    ["cold", (station: Station) => station.actors.evictLane(lane)],
    [
      "rebuilt",
      (station: Station) => {
        station.actors.evictLane(lane);
        station.db.exec("UPDATE actors SET checksum = checksum + 1");
      },
    ],
  ])("it is the same for an actor that was %s, whatever the order in which it heard them", (_, leave) => {
    const [hot, other] = [openStation(), openStation()];
    using _hot = hot;
    using _other = other;
    const heard = [...some(9, 20), late(60, 5), late(61, 6), ...some(5, 40), late(62, 4), late(63, 25), late(64, 30)];
    for (const delivery of heard) {
      hot.processor.apply([delivery]);
      other.processor.apply([delivery]);
      leave(other);
    }
    expect(reasons(hot).length).toBeGreaterThan(0);
    expect(reasons(other)).toEqual(reasons(hot));
    // What a decision rests on is kept where it was known.
    const stored = (station: Station) => ({
      ...JSON.parse(String(station.row("busy").snapshot)),
      lastGrounds: undefined,
    });
    expect(stored(other)).toEqual(stored(hot));
  });
});

it.each([
  ["a type says that 30 delays may end between two facts", 30, 31, true],
  ["a type says that 29 delays may end between two facts", 29, 31, false],
  ["a type that says nothing lets 1,000 end", undefined, 1001, true],
  ["and no more", undefined, 1002, false],
])("%s", (_, most, second, isEnough) => {
  using station = openStation();
  const machine = createMachine({
    id: "meter",
    context: { sum: 0, last: 0, spoiled: false },
    initial: "on",
    states: { on: { after: { 1000: "off" } }, off: { after: { 1000: "on" } } },
    on: { Read: {}, Spoiled: {} },
  } as never);
  const said = most === undefined ? {} : { maxDelays: most };
  const lane = meterLane({ machine, ...said, states: ["on", "off"], conclude: () => ({ content: null }) });
  applyEach(station, [meterEvent(lane, 1, 0, { stored: 2 }), meterEvent(lane, 2, second, { stored: second + 2 })]);
  const held = `timers for ever: more than ${most ?? 1000} delays without a fact between`;
  expect(station.db.prepare("SELECT error FROM quarantine").pluck().all()).toEqual(
    isEnough ? [] : [expect.stringContaining(held)],
  );
});

it("of a type that says nothing, a fact may come before 10,000 others, and before a quarter more for as long as there are no more", () => {
  const times = Array.from({ length: 12_501 }, (_, second) => ({ timestamp: meterTime(second) }));
  const heard = (count: number) => ({ timestamp: meterTime(count), storedAtMs: 0, count, past: () => times });
  expect(moveHorizon({}, undefined, heard(12_500))).toBeUndefined();
  expect(moveHorizon({}, undefined, heard(12_501))).toEqual({ at: meterTime(2501), movesAt: 15_001 });
});
