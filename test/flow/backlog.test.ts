import { expect, it } from "vitest";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { catchUp, meterEvent, meterLane } from "./meters.ts";
import { openStation, type Station } from "./station.ts";

/* Facts in reverse: each folds all the others again, since a meter remembers the order. */

const lane = meterLane();
const read = (sequence: number, id: string, second: number) => meterEvent(lane, sequence, second + 100, { id });

const COUNT = 200;
/** The busy meter's facts in reverse, each followed by another meter's first. */
const mixed = () =>
  Array.from({ length: COUNT }, (_, index) => [
    read(2 * index + 1, "busy", COUNT - index),
    read(2 * index + 2, `other-${index}`, 1),
  ]).flat();

// Which anchors are kept depends on when they were written.
const columns = "state, events, revision, json_remove(snapshot, '$.anchorsChecksum')";
const rows = (station: Station) => station.db.prepare(`SELECT ${columns} FROM actors ORDER BY id`).raw().all();
const told = (station: Station) => station.decisions("busy").map(({ causationId, last }) => [causationId, last]);
const waits = (station: Station) => station.db.prepare("SELECT count(*) FROM parked").pluck().get();

it("who has too much to do in a batch waits with the rest of it, others do not, and all ends as without", () => {
  using alone = openStation();
  for (const delivery of mixed()) alone.processor.apply([delivery]);
  using together = openStation();
  const { handled } = together.processor.apply(mixed());
  expect(handled.filter(({ observation }) => observation?.actorId !== "busy")).toHaveLength(COUNT);
  expect(together.db.prepare("SELECT count(*) FROM actors").pluck().get()).toBe(COUNT + 1);
  expect(waits(together)).toBeGreaterThan(100);
  expect(together.processor.backlog.size()).toBe(1);
  // What is heard of it meanwhile waits behind.
  together.processor.apply([read(5000, "busy", COUNT + 1)]);
  alone.processor.apply([read(5000, "busy", COUNT + 1)]);
  expect(catchUp(together)).toBeGreaterThan(3);
  expect(waits(together)).toBe(0);
  expect(told(together)).toEqual(told(alone));
  expect(rows(together)).toEqual(rows(alone));
});

it("who was behind when the process ended is found again, and what comes next waits behind it", () => {
  using station = openStation();
  station.processor.apply(mixed());
  const before = waits(station) as number;
  const actors = createHotActors(station.journal, 100, () => {});
  const next = createProcessor(station.journal, actors, { maxBytes: 65_536 });
  next.backlog.resume(lane);
  expect(next.backlog.size()).toBe(1);
  next.apply([read(5000, "busy", COUNT + 1)]);
  expect(waits(station)).toBeLessThan(before + 1);
  catchUp({ processor: next });
  expect(waits(station)).toBe(0);
  expect(station.row("busy")).toMatchObject({ events: COUNT + 1 });
  expect(told(station).at(-1)).toEqual([`e-${COUNT + 101}`, COUNT + 101]);
});

it("a lane that goes to another owner is caught up there", () => {
  using station = openStation();
  station.processor.apply(mixed());
  station.processor.backlog.forget({ ...lane, partition: 4 });
  expect(station.processor.backlog.size()).toBe(1);
  station.processor.backlog.forget(lane);
  expect(station.processor.backlog.size()).toBe(0);
});
