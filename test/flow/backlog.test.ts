import { describe, expect, it, vi } from "vitest";
import { assign, createMachine } from "xstate";
import { createRelease } from "../../src/care/release.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { catchUp, meterEvent, meterLane, verifyMeter } from "./meters.ts";
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
  expect(catchUp(together)).toBeGreaterThan(1);
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

const MANY = 2500;
/** Each step takes a while: some 50 ms for all of them. */
const slow = meterLane({
  machine: createMachine({
    types: {} as { context: { sum: number; last: number }; events: { type: string; data: { value: number } } },
    id: "meter",
    context: { sum: 0, last: 0 },
    on: {
      Read: {
        actions: assign(({ context, event }) => {
          let sum = context.sum;
          for (let turn = 0; turn < 4000; turn++) sum = (sum * 3 + event.data.value) % 1_000_003;
          return { sum, last: event.data.value };
        }),
      },
    },
  }),
});
const slowly = (sequence: number, id: string, second: number) => meterEvent(slow, sequence, second, { id });
const ordered = Array.from({ length: MANY }, (_, index) => slowly(index + 1, "busy", 1000 + index));

describe("a fact that has more folded again than fits a batch", () => {
  it("waits, is folded bit by bit while others flow, and ends as it would have at once", () => {
    using station = openStation();
    station.processor.apply(ordered);
    const late = [slowly(9001, "busy", 500), slowly(9002, "busy", 400)];
    const { handled } = station.processor.apply([...late, slowly(9003, "other", 1)]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["parked", "parked", "applied"]);
    const later: (string | undefined)[][] = [];
    for (let sequence = 10_000; station.processor.backlog.size() > 0; sequence++) {
      const batch = station.processor.apply([slowly(sequence, `other-${sequence}`, 1)]);
      later.push(batch.handled.map(({ observation, replayed }) => `${observation?.actorId} ${replayed}`));
      expect(later.length).toBeLessThan(1000);
    }
    const own = later.map((batch) => batch.filter((told) => told?.startsWith("busy")));
    expect(own.flat()).toEqual([`busy ${MANY}`, `busy ${MANY + 1}`]);
    expect(own.filter((batch) => batch.length === 0).length).toBeGreaterThan(4);
    expect(later.every((batch) => batch.some((told) => told?.startsWith("other")))).toBe(true);
    using anew = openStation();
    const inOrder = [...ordered, ...late].toSorted((a, b) => timeOf(a) - timeOf(b));
    anew.processor.apply(inOrder.map((event, index) => ({ ...event, sequence: index + 1 })));
    expect(endOf(station)).toEqual(endOf(anew));
  });

  it("is heard at once when its actor is derived anew from events that only the store has, where none comes behind it", () => {
    using station = openStation();
    station.processor.apply(ordered);
    station.processor.apply([slowly(9001, "busy", 500)]);
    catchUp(station);
    expect(verifyMeter(station, slow, [], 10_000)).toEqual([]);
  });

  it("is not folded for one that was heard before: that is a duplicate at once", () => {
    using station = openStation();
    station.processor.apply(ordered);
    const { handled } = station.processor.apply([{ ...(ordered[0] as Delivery), sequence: 9001 }]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["duplicate"]);
    expect(station.processor.backlog.size()).toBe(0);
  });

  it("is folded bit by bit from the beginning when its actor was forgotten meanwhile", () => {
    using station = openStation();
    station.processor.apply(ordered);
    station.processor.apply([slowly(9001, "busy", 500)]);
    station.processor.apply([]);
    station.actors.evict(slow, "busy");
    expect(catchUp(station)).toBeGreaterThan(3);
    expect(station.row("busy")).toMatchObject({ events: MANY + 1 });
  });
});

describe("progress on a fact that has more folded again than fits a batch", () => {
  it("is folded to its end before another actor has its turn, however long batches take", () => {
    using station = openStation();
    for (const id of ["busy", "rival"]) {
      const own = ordered.map((_, index) => slowly(index + 1 + (id === "rival" ? MANY : 0), id, 1000 + index));
      station.processor.apply(own);
    }
    station.processor.apply([slowly(9001, "busy", 500), slowly(9002, "rival", 500)]);
    expect(station.processor.backlog.size()).toBe(2);
    const now = performance.now.bind(performance);
    let skippedMs = 0;
    using _ = vi.spyOn(performance, "now").mockImplementation(() => now() + skippedMs);
    for (let batches = 0; station.processor.backlog.size() > 0 && batches < 200; batches++) {
      station.processor.apply([]);
      skippedMs += 200;
    }
    expect(station.processor.backlog.size()).toBe(0);
    for (const id of ["busy", "rival"]) expect(station.row(id)).toMatchObject({ events: MANY + 1 });
  });

  it("is heard also of an actor that no batch leaves in memory", () => {
    using station = openStation(undefined, undefined, 1);
    station.processor.apply(ordered);
    station.processor.apply([slowly(9001, "busy", 500), slowly(9002, "busy", 400)]);
    expect(station.processor.backlog.size()).toBe(1);
    expect(catchUp(station)).toBeGreaterThan(5);
    expect(station.processor.backlog.size()).toBe(0);
    expect(station.row("busy")).toMatchObject({ events: MANY + 2 });
    // Then it leaves as all others do.
    station.processor.apply([slowly(9003, "other", 1)]);
    expect(station.actors.size()).toBe(0);
  });

  it.each([
    ["first", []],
    ["after a repeat", [slowly(9000, "busy", 1000)]],
  ])("is heard to its end by a release, %s: that tells whether the actor is released", (_, repeats) => {
    using station = openStation();
    const { journal, processor, db } = station;
    processor.apply(ordered);
    const [body] = db.prepare("SELECT body FROM events LIMIT 1").pluck().all();
    db.exec("UPDATE actors SET machine_version = 0; UPDATE events SET body = '{' WHERE rowid = 1");
    station.actors.evict(slow, "busy");
    processor.apply([...repeats, slowly(9001, "busy", 500)]);
    db.prepare("UPDATE events SET body = ? WHERE rowid = 1").run(body);
    expect(waits(station)).toBe(repeats.length + 1);
    const release = createRelease({ journal, processor, laneOf: () => slow, onCommitted: () => {} });
    expect(release(slow.type, "busy")).toMatchObject({ released: true, reordered: 1, duplicate: repeats.length });
    expect(station.row("busy")).toMatchObject({ events: MANY + 1 });
  });
});

it("who is ours and who is followed, both folded bit by bit, do not put each other out of memory", () => {
  using station = openStation(undefined, undefined, 1);
  const elsewhere = { ...slow, partition: 4 };
  const followed = createProcessor(station.journal, station.actors, { maxBytes: 65_536 });
  const both = [
    { processor: station.processor, of: slow, id: "busy" },
    { processor: followed, of: elsewhere, id: "followed" },
  ];
  for (const { processor, of, id } of both) {
    processor.apply(ordered.map((_, index) => meterEvent(of, index + 1, 1000 + index, { id })));
    processor.apply([meterEvent(of, 9001, 500, { id })]);
    expect(processor.backlog.size()).toBe(1);
  }
  for (let turn = 0; turn < 200; turn++) for (const { processor } of both) processor.apply([]);
  for (const { processor, id } of both) {
    expect(processor.backlog.size(), id).toBe(0);
    expect(station.row(id)).toMatchObject({ events: MANY + 1 });
  }
});

it("who would have caught up in a commit that failed is not forgotten by the next one", () => {
  using station = openStation();
  let isFailing = false;
  const saveCheckpoint: Station["journal"]["saveCheckpoint"] = (...told) => {
    if (isFailing) throw new Error("disk I/O error");
    station.journal.saveCheckpoint(...told);
  };
  const processor = createProcessor({ ...station.journal, saveCheckpoint }, station.actors, { maxBytes: 65_536 });
  processor.apply(Array.from({ length: 70 }, (_, index) => read(index + 1, "busy", 70 - index)));
  const waiting = waits(station) as number;
  expect(waiting).toBeGreaterThan(0);
  expect(waiting).toBeLessThan(20);
  isFailing = true;
  expect(() => processor.apply([read(5000, "other", 1)])).toThrow("disk I/O error");
  isFailing = false;
  processor.again(() => {});
  expect(waits(station)).toBe(waiting);
  expect(processor.backlog.size()).toBe(1);
  catchUp({ processor });
  expect(waits(station)).toBe(0);
  expect(station.row("busy")).toMatchObject({ events: 70 });
});

it("a release whose commit fails leaves all as it was: what comes next of the actor is kept back", () => {
  using station = openStation();
  let isFailing = false;
  const saveActor: Station["journal"]["saveActor"] = (...told) => {
    if (isFailing) throw new Error("disk I/O error");
    return station.journal.saveActor(...told);
  };
  const journal = { ...station.journal, saveActor };
  const processor = createProcessor(journal, station.actors, { maxBytes: 65_536 });
  processor.apply([read(1, "busy", 1), read(2, "busy", 2)]);
  station.db.exec("UPDATE actors SET machine_version = 0; UPDATE events SET body = '{' WHERE rowid = 1");
  station.actors.evict(lane, "busy");
  processor.apply([read(3, "busy", 3)]);
  station.db.exec(`UPDATE events SET body = '{"value":101}' WHERE rowid = 1`);
  station.actors.evict(lane, "busy");
  expect(waits(station)).toBe(1);
  const release = createRelease({ journal, processor, laneOf: () => lane, onCommitted: () => {} });
  isFailing = true;
  expect(() => release(lane.type, "busy")).toThrow("disk I/O error");
  isFailing = false;
  expect(processor.backlog.size()).toBe(0);
  expect(processor.apply([read(4, "busy", 4)]).handled.map(({ outcome }) => outcome)).toEqual(["parked"]);
  expect(waits(station)).toBe(2);
  expect(release(lane.type, "busy")).toMatchObject({ released: true, applied: 2 });
  expect(processor.backlog.size()).toBe(0);
});

const timeOf = ({ body }: Delivery) => Date.parse(JSON.parse(Buffer.from(body).toString()).timestamp);
const endOf = ({ db }: Station) =>
  db.prepare("SELECT state, snapshot ->> '$.end.last.context' FROM actors WHERE id = 'busy'").raw().get();

it("who has caught up, and is behind again in the same batch, is not forgotten", () => {
  using station = openStation();
  station.processor.apply(mixed());
  let isBoth = false;
  for (let sequence = 6000; station.processor.backlog.size() > 0; sequence += 10) {
    const waiting = waits(station) as number;
    // As soon as it catches up with all that waits: facts that are too many for what is left of the batch.
    const more: Delivery[] =
      waiting < 64 && waiting > 0 && !isBoth
        ? Array.from({ length: 40 }, (_, index) => read(sequence + index, "busy", -index))
        : [];
    station.processor.apply(more);
    isBoth ||= more.length > 0;
  }
  expect(isBoth).toBe(true);
  expect(waits(station)).toBe(0);
  expect(station.row("busy")).toMatchObject({ events: COUNT + 40 });
});
