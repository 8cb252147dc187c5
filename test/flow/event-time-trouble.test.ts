import { describe, expect, it } from "vitest";
import { release } from "../../src/care/release.ts";
import { createRestoration } from "../../src/care/restoration.ts";
import { createRetirement } from "../../src/care/retirement.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import type { Journal } from "../../src/flow/journal.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import type { PublishedDecision } from "../../src/flow/rows.ts";
import { createFindDue } from "../../src/store/due-actors.ts";
import { createRetiredRows } from "../../src/store/retired.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import {
  catchUp,
  deafMachine,
  meterEvent,
  meterLane,
  meterTime,
  publishAll,
  verifyMeter,
  waitMachine,
} from "./meters.ts";
import { applyEach, openStation, type Station } from "./station.ts";

/* What goes wrong around actors by event time: with time, with what waits, with retirement, with the disk. */

const LIMITS = { maxBytes: 65_536 };
const tallies = ({ db }: Station) =>
  new Map(db.prepare("SELECT name, value FROM tallies WHERE value <> 0").raw().all() as [string, number][]);
const quarantined = ({ db }: Station) => db.prepare("SELECT error FROM quarantine").pluck().all();
const again = (journal: Journal) =>
  createProcessor(
    journal,
    createHotActors(journal, 100, () => {}),
    LIMITS,
  );

function openCare({ db, journal, actors, processor }: Station) {
  const rows = createRetiredRows(db);
  return {
    rows,
    retirement: createRetirement({ journal, rows, actors }),
    restoration: createRestoration({ journal, rows, actors, processor, limits: LIMITS }),
  };
}

/** Applies the events one by one, publishes what follows, and retires the meter. @returns its decisions. */
function retireAfter(station: Station, lane: Lane, events: Parameters<typeof applyEach>[1]): PublishedDecision[] {
  const decided: PublishedDecision[] = [];
  for (const each of events) {
    station.processor.apply([each]);
    publishAll(station, lane, decided);
  }
  station.processor.apply([meterEvent(lane, 100, 1, { id: "clock", stored: 90_000_000 })]);
  publishAll(station, lane);
  expect(openCare(station).retirement.step(lane.type, [lane], 1000).retired).toBe(1);
  return decided;
}

it("a tick is heard once by an actor whose new version waits longer: when it is due is then known anew", () => {
  using station = openStation();
  station.processor.apply([meterEvent(meterLane({ machine: waitMachine(90_000) }), 1, 0, { stored: 0 })]);
  const next = meterLane({ machine: waitMachine(900_000), version: 2 });
  const processor = again(station.journal);
  processor.apply([meterEvent(next, 2, 90, { type: "TimePassed", stored: 95 })]);
  expect(createFindDue(station.db)(next, "9999", 10)).toEqual([{ actorId: "busy", due: meterTime(900) }]);
});

describe("what became of events before their machine was mended is no drift", () => {
  const mended = meterLane({ machine: deafMachine, version: 2 });
  /** The actor has heard these, and then whatever brings it to the mended machine. */
  function outcomesThatDiffer(seconds: readonly number[], then: "event" | "release", lane = mended): string[] {
    using station = openStation();
    const heard = seconds.map((second, index) => meterEvent(meterLane(), index + 1, second));
    applyEach(station, heard);
    const processor = again(station.journal);
    const next = then === "release" ? [] : [meterEvent(lane, 4, 18)];
    if (then === "release") release(station.journal, processor, lane, "busy");
    else processor.apply(next);
    expect(quarantined(station)).toEqual([]);
    const all = [...heard.map((each) => ({ ...each, lane })), ...next];
    return verifyMeter(station, lane, all).flatMap(({ what }) => (what.endsWith("outcome") ? [what] : []));
  }

  it.each(["event", "release"] as const)("held, until an %s", (then) => {
    expect(outcomesThatDiffer([9, 13, 15], then)).toEqual([]);
  });

  it("held, by a machine that was mended and kept its version", () => {
    const same = meterLane({ machine: deafMachine });
    expect(outcomesThatDiffer([9, 13, 15], "release", same)).toEqual([]);
  });

  it("applied, where the version after it hears nothing", () => {
    expect(outcomesThatDiffer([9, 10, 15], "event")).toEqual([]);
  });

  it("in a type of which there was no other version it is", () => {
    expect(outcomesThatDiffer([9, 10, 15], "event", meterLane({ machine: deafMachine }))).not.toEqual([]);
  });
});

describe("an actor that is behind", () => {
  it("is no drift: verify catches up too", () => {
    using station = openStation();
    const lane = meterLane();
    const all = Array.from({ length: 150 }, (_, index) => meterEvent(lane, index + 1, 200 - index));
    applyEach(station, all);
    expect(verifyMeter(station, lane, all)).toEqual([]);
  });

  it("is not retired", () => {
    using station = openStation();
    const lane = meterLane();
    const all = Array.from({ length: 120 }, (_, index) => meterEvent(lane, index + 1, 200 - index));
    station.processor.apply([...all, meterEvent(lane, 1000, 1, { id: "clock", stored: 90_000_000 })]);
    expect(station.processor.backlog.size()).toBe(1);
    publishAll(station, lane);
    expect(openCare(station).retirement.step(lane.type, [lane], 1000).retired).toBe(0);
    catchUp(station);
    expect(station.row("busy")).toMatchObject({ events: 120 });
  });

  it("late facts that change nothing count as work: what they are held against is read", () => {
    using station = openStation();
    const lane = meterLane({ conclude: () => ({ content: null }) });
    const later = Array.from({ length: 1500 }, (_, index) =>
      meterEvent(lane, index + 2, 10_000 + index, { type: "Spoiled" }),
    );
    station.processor.apply([meterEvent(lane, 1, 1), ...later]);
    const late = Array.from({ length: 10 }, (_, index) =>
      meterEvent(lane, 5000 + index, 9000 - index, { type: "Spoiled" }),
    );
    station.processor.apply(late);
    expect(station.processor.backlog.size()).toBe(1);
  });
});

it("an actor that waits for a delay is not retired; the tick that ends it makes it no younger", () => {
  using station = openStation();
  const conclude = () => ({ content: { decisionType: "MeterRead", last: 1 } });
  const lane = meterLane({ machine: waitMachine(60_000), states: ["on", "quiet"], conclude });
  station.processor.apply([
    meterEvent(lane, 1, 0, { stored: 1 }),
    meterEvent(lane, 100, 1, { id: "clock", stored: 90_000_000 }),
  ]);
  publishAll(station, lane);
  const { retirement } = openCare(station);
  expect(retirement.step(lane.type, [lane], 1000).retired).toBe(0);
  station.processor.apply([meterEvent(lane, 101, 60, { type: "TimePassed", stored: 90_000_000 })]);
  publishAll(station, lane);
  expect(retirement.step(lane.type, [lane], 1000).retired).toBe(1);
  expect(station.row("busy")).toBeUndefined();
});

describe("an actor that was retired", () => {
  it("comes back also when something about it was too late", () => {
    using station = openStation();
    const lane = meterLane({ latenessMs: 60_000 });
    const deliveries = [meterEvent(lane, 1, 1000, { stored: 1000 }), meterEvent(lane, 2, 5, { stored: 1001 })];
    const decisions = retireAfter(station, lane, deliveries);
    expect(station.db.prepare("SELECT reason FROM dead_letters").pluck().all()).toEqual(["too_late"]);
    station.processor.apply([meterEvent(lane, 101, 1030, { stored: 90_000_001 })]);
    const { rows, restoration } = openCare(station);
    const retired = rows.find("meter", "busy");
    if (retired === undefined) throw new Error("not retired");
    expect(restoration.recognise(retired, { deliveries, decisions })).toBeDefined();
  });

  it("comes back with nothing decided or counted twice, although it was held on its way", () => {
    using station = openStation();
    const lane = meterLane();
    const deliveries = [meterEvent(lane, 1, 13), meterEvent(lane, 2, 5, { type: "Spoiled" }), meterEvent(lane, 3, 20)];
    const decisions = retireAfter(station, lane, deliveries);
    const before = tallies(station);
    station.processor.apply([meterEvent(lane, 101, 30, { stored: 90_000_001 })]);
    const { rows, restoration } = openCare(station);
    const retired = rows.find("meter", "busy");
    const past = retired && restoration.recognise(retired, { deliveries, decisions });
    if (past === undefined) throw new Error("not recognised");
    restoration.bringBack(lane, "busy", past);
    expect(tallies(station).get("events:applied")).toBe((before.get("events:applied") ?? 0) + 1);
    expect(station.decisions("busy").map(({ last }) => last)).toEqual([13, 20, 30]);
  });

  it("is not brought back by a tick", () => {
    using station = openStation();
    const lane = meterLane();
    retireAfter(station, lane, [meterEvent(lane, 1, 1)]);
    const { handled } = station.processor.apply([
      meterEvent(lane, 101, 60, { type: "TimePassed", stored: 90_000_001 }),
    ]);
    expect(handled).toMatchObject([{ outcome: "ignored" }]);
    expect(openCare(station).rows.find("meter", "busy")?.status).toBe("kept");
  });
});

describe("a quarantine", () => {
  it("is counted once, also when the actor's past can no longer be read", () => {
    using station = openStation();
    const lane = meterLane();
    applyEach(station, [meterEvent(lane, 1, 13)]);
    station.db.exec("UPDATE events SET type = 'Gone'");
    applyEach(station, [meterEvent(lane, 2, 20)]);
    expect(tallies(station).get("quarantined")).toBe(1);
  });

  it("of an actor its rule fails on is not ended by a release that has only repeats to apply", () => {
    using station = openStation();
    const fails = () => {
      throw new Error("puzzled");
    };
    const lane = meterLane({ conclude: ({ context: { last } }) => (last === 7 ? fails() : { content: null }) });
    applyEach(station, [meterEvent(lane, 1, 7)]);
    const { body } = meterEvent(lane, 2, 7);
    const row = { type: "meter", actorId: "busy", sequence: 2, subject: "meters.3.busy.Read", headers: "[]", body };
    station.journal.park({ ...row, storedAtMs: Date.parse(meterTime(20_000)) });
    release(station.journal, station.processor, lane, "busy");
    expect(quarantined(station)).toHaveLength(1);
  });

  it("stays when what was kept back fails, too, and that is heard only by the release", () => {
    using station = openStation();
    const lane = meterLane();
    applyEach(station, [meterEvent(lane, 1, 20)]);
    const [body] = station.db.prepare("SELECT body FROM events").pluck().all();
    station.db.exec("UPDATE actors SET machine_version = 0; UPDATE events SET body = '{'");
    station.actors.evict(lane, "busy");
    applyEach(station, [meterEvent(lane, 2, 13)]);
    station.db.prepare("UPDATE events SET body = ?").run(body);
    release(station.journal, station.processor, lane, "busy");
    expect(quarantined(station)).toHaveLength(1);
    expect(station.row("busy")).toMatchObject({ events: 2 });
    expect(verifyMeter(station, lane, [meterEvent(lane, 1, 20), meterEvent(lane, 2, 13)])).toEqual([]);
  });

  it("that a release does not end leaves the row as it was", () => {
    using station = openStation();
    const lane = meterLane();
    const all = [meterEvent(lane, 1, 20), meterEvent(lane, 2, 13)];
    applyEach(station, all);
    release(station.journal, station.processor, lane, "busy");
    expect(quarantined(station)).toHaveLength(1);
    expect(verifyMeter(station, lane, all)).toEqual([]);
  });

  it("is nobody's because of the disk", () => {
    using station = openStation();
    const lane = meterLane();
    // So many that what the next decision rests on is read.
    const seconds = [...Array.from({ length: 17 }, (_, index) => index + 20), 40];
    const heard = seconds.map((second, index) => meterEvent(lane, index + 1, second));
    const last = heard.slice(-1);
    applyEach(station, heard.slice(0, -1));
    let isFailing = true;
    const factsOf: Journal["factsOf"] = (actor, from) => {
      if (isFailing) throw new Error("disk I/O error");
      return station.journal.factsOf(actor, from);
    };
    const processor = again({ ...station.journal, factsOf });
    expect(() => processor.apply(last)).toThrow("disk I/O error");
    expect(quarantined(station)).toEqual([]);
    isFailing = false;
    processor.apply(last);
    expect(station.row("busy")).toMatchObject({ events: 18, revision: 18 });
    expect(verifyMeter(station, lane, heard)).toEqual([]);
  });
});

it("an actor whose past cannot be read where it is to be folded for good is in quarantine, and others go on", () => {
  using station = openStation();
  const lane = meterLane({ latenessMs: 60_000 });
  station.processor.apply(Array.from({ length: 511 }, (_, index) => meterEvent(lane, index + 1, index + 20)));
  station.db.exec("UPDATE events SET body = '{' WHERE rowid = 511");
  const { handled } = station.processor.apply([
    meterEvent(lane, 1000, 600),
    meterEvent(lane, 1001, 20, { id: "other" }),
  ]);
  expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
  expect(quarantined(station)).toEqual([expect.stringContaining("stored event e-530 cannot be replayed")]);
  expect(station.row("busy")).toMatchObject({ events: 511 });
});
