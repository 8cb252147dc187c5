import { expect, it } from "vitest";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { meterEvent, meterLane } from "./meters.ts";
import { applyEach, openStation, type Station } from "./station.ts";

it("of an actor held from its first event, its row says what is known in the state that it shows", () => {
  using station = openStation();
  const lane = meterLane({ completeness: ({ context }) => (context.last === 0 ? 40 : 80) });
  applyEach(station, [meterEvent(lane, 1, 13)]);
  expect(station.db.prepare("SELECT count(*) FROM quarantine").pluck().get()).toBe(1);
  expect(station.row("busy")).toMatchObject({ state: "meter", completeness: 40 });
  const tally = station.db.prepare("SELECT sum(value) FROM tallies WHERE name = ?").pluck();
  expect([tally.get("completeness:40"), tally.get("completeness:0")]).toEqual([1, null]);
});

it.each([
  ["a flipped digit", "UPDATE anchors SET anchors = replace(anchors, '\"sum\":', '\"sum\":9')"],
  ["no JSON", "UPDATE anchors SET anchors = '['"],
])("stored anchors with %s are as none: a late fact folds all anew, and the next ones are good", (_, damage) => {
  const lane = meterLane();
  const heard = Array.from({ length: 60 }, (_, index) => meterEvent(lane, index + 1, 20 + index * 2));
  const told = (station: Station, spoil: string) => {
    applyEach(station, heard);
    station.db.exec(spoil);
    station.actors.evictLane(lane);
    applyEach(station, [meterEvent(lane, 100, 91)]);
    station.actors.evictLane(lane);
    applyEach(station, [meterEvent(lane, 101, 95)]);
    expect(station.rebuilt).toEqual([]);
    return JSON.parse(String(station.row("busy").snapshot)).end.last;
  };
  using good = openStation();
  using bad = openStation();
  expect(told(bad, damage)).toEqual(told(good, ""));
});

it("after a late fact had many folded again, the next one of an actor in its row goes back to an anchor, not to the first", () => {
  using station = openStation();
  const lane = meterLane();
  applyEach(
    station,
    Array.from({ length: 300 }, (_, index) => meterEvent(lane, index + 1, 100 + index * 2)),
  );
  const asked: (string | undefined)[] = [];
  const factsOf: Station["journal"]["factsOf"] = (actor, from) => {
    asked.push(from);
    return station.journal.factsOf(actor, from);
  };
  const coldly = (sequence: number, second: number) => {
    asked.length = 0;
    const journal = { ...station.journal, factsOf };
    const processor = createProcessor(
      journal,
      createHotActors(journal, 100, () => {}),
      { maxBytes: 65_536 },
    );
    // A type's first events are tried twice.
    const others = Array.from({ length: 16 }, (_, index) =>
      meterEvent(lane, sequence - 16 + index, 1, { id: `o-${sequence}-${index}` }),
    );
    processor.apply(others);
    processor.apply([meterEvent(lane, sequence, second)]);
  };
  coldly(9001, 301);
  coldly(9100, 501);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked).not.toContain(undefined);
});

it("a repeated event whose row is damaged is the trouble of its actor alone: the batch goes on", () => {
  using station = openStation();
  const lane = meterLane();
  applyEach(station, [meterEvent(lane, 1, 5), meterEvent(lane, 2, 6, { id: "other" })]);
  station.db.prepare(`UPDATE events SET body = '{"value":' WHERE event_id = 'e-5'`).run();
  const { handled } = station.processor.apply([meterEvent(lane, 3, 5), meterEvent(lane, 4, 7, { id: "other" })]);
  expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
  expect(station.db.prepare("SELECT actor_id, error FROM quarantine").all()).toEqual([
    { actor_id: "busy", error: expect.stringMatching(/stored event e-5 cannot be read/) },
  ]);
});
