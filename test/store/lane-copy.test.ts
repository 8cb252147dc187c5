import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { atOnce } from "../../src/flow/pieces.ts";
import { createContradictions } from "../../src/store/contradictions.ts";
import { type CopiedRow, createLaneCopies, type LaneCopy } from "../../src/store/lane-copy.ts";
import { findMisfit, openLaneStage, stageFileOf } from "../../src/store/lane-stage.ts";
import { COPIED_TABLES, columnsOf, OF_PLACES, OF_STORE, STANDS_IN } from "../../src/store/lane-tables.ts";
import { meterEvent } from "../flow/meters.ts";
import type { Station } from "../flow/station.ts";
import { ALSO_OURS, contentsOf, LANE, laneOf, openFilled, openKnown } from "./filled-lane.ts";

function copyOf({ file }: Station): LaneCopy & Disposable & { readonly found: CopiedRow[] } {
  const found: CopiedRow[] = [];
  const copy = createLaneCopies(file).open(LANE, (row) => found.push(row));
  if (copy === undefined) throw new Error("nothing of the lane");
  atOnce(copy.rows());
  return { ...copy, found, [Symbol.dispose]: copy.close };
}

it("a lane is the same in the store that adopts it, in every table and in the order in which it was heard", () => {
  using giver = openFilled();
  using taker = openKnown();
  // Two stores number their actors alike.
  taker.processor.apply([meterEvent(laneOf("m-1"), 1, 1, { id: "m-1" })]);
  using copy = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  stage.add(copy.found);
  expect(taker.outbox.decidedBy(LANE)).toBe(0);
  stage.adopt(copy.stand);
  expect(taker.outbox.decidedBy(LANE)).toBe(giver.outbox.decidedBy(LANE));

  const expected = contentsOf(giver.db);
  expect(Object.entries(expected).filter(([, rows]) => rows.length === 0)).toEqual([]);
  expect(contentsOf(taker.db)).toEqual(expected);
  expect(existsSync(stageFileOf(taker.file, LANE))).toBe(false);
  // What comes next gets keys of its own, and is applied to what was copied.
  const next = [
    meterEvent(LANE, 5000, 200),
    ...ALSO_OURS.map((id, index) => meterEvent(LANE, 5001 + index, 201, { id })),
  ];
  giver.processor.apply(next);
  taker.processor.apply(next);
  expect(taker.decisions("busy")).toEqual(giver.decisions("busy"));
  expect(contentsOf(taker.db)).toEqual(contentsOf(giver.db));
});

it("a copy knows every table there is, and all that is noted of where a lane stands", () => {
  using station = openFilled();
  const tables = station.db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  expect([...COPIED_TABLES, ...OF_PLACES, ...OF_STORE, STANDS_IN].toSorted()).toEqual(tables.toSorted());
  const [noted = {}] = contentsOf(station.db)[STANDS_IN] as Record<string, unknown>[];
  expect(Object.entries(noted).filter(([name, value]) => value === 0 && name !== "partition")).toEqual([]);
});

it("what an older store has of the lane is replaced, and nothing of another lane", () => {
  using giver = openFilled();
  using taker = openFilled();
  const others = taker.db.prepare("SELECT * FROM actors WHERE partition <> ? ORDER BY key").all(LANE.partition);
  giver.processor.apply([meterEvent(LANE, 6000, 300)]);
  giver.db.prepare("DELETE FROM parked").run();
  using copy = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  stage.add(copy.found);
  stage.adopt(copy.stand);
  expect(contentsOf(taker.db)).toEqual(contentsOf(giver.db));
  expect(taker.db.prepare("SELECT * FROM actors WHERE partition <> ? ORDER BY key").all(LANE.partition)).toEqual(
    others,
  );
  expect(taker.db.prepare("SELECT count(*) FROM parked").pluck().get()).toBeGreaterThan(0);
});

it("of an actor that has heard many, in both stores, each is known again, and nothing of before is left", () => {
  using giver = openFilled();
  using taker = openFilled();
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => meterEvent(LANE, 6001 + index, 300 + index));
  taker.processor.apply(many(90));
  giver.processor.apply(many(200));
  using copy = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  for (let from = 0; from < copy.found.length; from += 33) stage.add(copy.found.slice(from, from + 33));
  stage.adopt(copy.stand);
  taker.actors.evictLane(LANE);
  expect(contentsOf(taker.db)).toEqual(contentsOf(giver.db));
  const contradictions = (station: Station) => createContradictions(station.db, () => false).contradictions();
  expect(contradictions(taker)).toEqual(contradictions(giver));
  const again = many(200).map((event) => ({ ...event, sequence: event.sequence + 1000 }));
  const outcomes = new Set(taker.processor.apply(again).handled.map(({ outcome }) => outcome));
  expect(outcomes).toEqual(new Set(["duplicate"]));
});

it("a copy that knows no more than the store is not adopted, and changes nothing", () => {
  using giver = openFilled();
  using taker = openFilled();
  using copy = copyOf(giver);
  const before = contentsOf(taker.db);
  const stage = openLaneStage(taker, LANE);
  stage.add(copy.found);
  expect(() => stage.adopt(copy.stand)).toThrow("the store has come further than the copy");
  atOnce(stage.close());
  expect(contentsOf(taker.db)).toEqual(before);
});

it("rows that are not the lane's, do not fit, or were changed on their way are refused", () => {
  using giver = openFilled();
  using taker = openKnown();
  using copy = copyOf(giver);
  const actor = copy.found.find(([table]) => table === "actors") as CopiedRow;
  const event = copy.found.find(([table]) => table === "events") as CopiedRow;
  const changed = ([table, values]: CopiedRow, from: unknown, to: unknown): CopiedRow => [
    table,
    values.map((value) => (value === from ? to : value)),
  ];
  const versionAt = columnsOf(taker.db, "actors").indexOf("machine_version");
  const wrong: readonly (readonly [row: CopiedRow, says: string])[] = [
    [["streams" as never, ["METERS"]], "rows of streams, which no lane has"],
    [["actors", actor[1].slice(1)], "of 18 columns"],
    [changed(actor, "meter", "order"), "another actor type"],
    [changed(actor, "busy", laneOf("m-1") === LANE ? "m-2" : "m-1"), "another partition's actor"],
    [["actors", actor[1].map((value, at) => (at === versionAt ? 2 : value))], "a higher version of its type"],
    [["actors", actor[1].map((value) => (String(value).startsWith("{") ? `${value} ` : value))], "its checksum"],
    [["events", event[1].with(columnsOf(taker.db, "events").indexOf("body"), null)], "does not fit"],
  ];
  for (const [row, says] of wrong) {
    const stage = openLaneStage(taker, LANE);
    expect(() => stage.add(row[0] === "events" ? [actor, row] : [row]), says).toThrow(says);
    atOnce(stage.close());
  }
  const stage = openLaneStage(taker, LANE);
  expect(() => stage.add([event])).toThrow("rows in events whose actor is not in it");
  atOnce(stage.close());
  expect(contentsOf(taker.db).actors).toEqual([]);
  using filled = openFilled();
  const beside = openLaneStage(filled, LANE);
  beside.add([event]);
  expect(() => beside.adopt(copy.stand)).toThrow("1 rows in events whose actor is not in it");
  atOnce(beside.close());
});

it("what is of another schema, stream, or number of partitions does not fit, and says why", () => {
  using giver = openFilled();
  using taker = openKnown();
  using copy = copyOf(giver);
  const { origin } = copy;
  const why = (changed: object) => findMisfit(taker.db, LANE, { ...origin, ...changed });
  expect(why({})).toBeUndefined();
  expect(why({ schema: 8 })).toMatch(/^the store's schema is 8 there and \d+ here$/);
  // Rows of a lower version are as those that were there when the version was raised.
  expect(why({ typeVersion: 0 })).toBeUndefined();
  expect(why({ typeVersion: 2 })).toBe("version 2 of meter keeps it there, and this daemon has version 1");
  expect(why({ partitions: 16 })).toBe("the number of partitions is 16 there and 4 here");
  expect(why({ created: { ...origin.created, events: "2020-01-01T00:00:00Z" } })).toMatch(
    /^the creation of the stream of events is 2020/,
  );
  expect(why({ partition: 99 })).toMatch(/^the partition is 99 of METERS/);
});

it("a store that has read nothing of a lane has no copy of it", () => {
  using empty = openKnown();
  expect(createLaneCopies(empty.file).open(LANE, () => {})).toBeUndefined();
});

it("what an older version has written is asked anew until when it waits", () => {
  using giver = openFilled();
  using taker = openKnown();
  taker.db.exec("INSERT INTO due_versions VALUES ('meter', 2)");
  using copy = copyOf(giver);
  const raised = { ...LANE, type: { ...LANE.type, version: 2 } };
  const stage = openLaneStage(taker, raised);
  stage.add(copy.found);
  stage.adopt(copy.stand);
  expect(taker.db.prepare("SELECT * FROM due_versions").all()).toEqual([]);
});
