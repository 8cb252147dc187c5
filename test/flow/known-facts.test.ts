import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { CrashPoint } from "../../src/flow/crash-points.ts";
import type { Place } from "../../src/flow/hosts/fact-order.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createKnownFacts } from "../../src/flow/known-facts.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { until } from "../until.ts";
import { catchUp, meterEvent, meterLane, meterTime } from "./meters.ts";
import { openStation, type Station } from "./station.ts";

/** The station's journal, how often what an actor has heard was read from it, and how much of it at once. */
function countReads({ journal }: Station) {
  let [reads, most] = [0, 0];
  const factsOf: typeof journal.factsOf = (actor, from) => {
    const rows = [...journal.factsOf(actor, from)];
    reads++;
    most = Math.max(most, rows.length);
    return rows;
  };
  const forget = () => {
    [reads, most] = [0, 0];
  };
  return { journal: { ...journal, factsOf }, reads: () => reads, most: () => most, forget };
}

const lane = meterLane();
const inOrder = Array.from({ length: 200 }, (_, index) => meterEvent(lane, index + 1, 100 + index * 2));
const late = (sequence: number) => meterEvent(lane, sequence, 701 - 2 * sequence);

const placeAt = (second: number) => ({ timestamp: meterTime(second), type: "Read", eventId: `e-${second}` });

/** What the actor has come to. */
function foldOf(station: Station) {
  const { count, end } = JSON.parse(String(station.row("busy").snapshot));
  return { count, sum: end.last.context.sum };
}

/** What it has to come to, by arithmetic alone. */
function foldedInTime(lateFacts: number) {
  const late = Array.from({ length: lateFacts }, (_, index) => 299 - 2 * index);
  const seconds = [...inOrder.map((_, index) => 100 + index * 2), ...late];
  return { count: seconds.length, sum: sumOf(seconds) };
}

function openPath(station: Station) {
  const { journal, reads } = countReads(station);
  const actors = createHotActors(journal, 100, () => {});
  const failing = { at: undefined as CrashPoint | undefined };
  const processor = createProcessor(journal, actors, { maxBytes: 65_536 }, (point) => {
    if (point === failing.at) throw new Error("the disk is full");
  });
  processor.apply(inOrder);
  return { processor, actors, reads, failing };
}

/** A meter by arithmetic alone. */
const sumOf = (seconds: number[]) =>
  seconds.sort((a, b) => a - b).reduce((sum, second) => (sum * 3 + second) % 1_000_003, 0);

describe("what an actor in memory has heard", () => {
  it("is read twice at most, and is the same as in its rows", () => {
    using station = openStation();
    const { processor, reads } = openPath(station);
    for (let sequence = 201; sequence <= 210; sequence++) processor.apply([late(sequence)]);
    const before = reads();
    for (let sequence = 211; sequence <= 240; sequence++) processor.apply([late(sequence)]);
    expect(reads()).toBe(before);
    const all = Array.from({ length: 40 }, (_, index) => late(index + 201));
    expect(foldOf(station)).toEqual(foldedInTime(all.length));
  });

  it("is not what a batch that failed has let it hear", () => {
    using station = openStation();
    const { processor, failing } = openPath(station);
    const all = Array.from({ length: 40 }, (_, index) => late(index + 201));
    all.forEach((delivery, index) => {
      const next = all[index + 1];
      if (index % 3 === 0 && next !== undefined) {
        failing.at = "in_transaction";
        expect(() => processor.apply([{ ...next, sequence: delivery.sequence }])).toThrow("the disk is full");
        failing.at = undefined;
      }
      processor.apply([delivery]);
    });
    expect(foldOf(station)).toEqual(foldedInTime(all.length));
  });

  it("is not what another of that name had heard, which left memory", () => {
    using station = openStation();
    const { processor, actors } = openPath(station);
    const all = Array.from({ length: 40 }, (_, index) => late(index + 201));
    all.forEach((delivery, index) => {
      if (index % 5 === 4) actors.evictLane(lane);
      processor.apply([delivery]);
    });
    expect(foldOf(station)).toEqual(foldedInTime(all.length));
  });

  it.each([
    ["once it was asked for twice it is at hand", 1_000_000, [1, 2, 2, 2]],
    ["what is too much is read each time", 10_000, [1, 2, 3, 4]],
  ])("%s", (_, maxBytes, expected) => {
    using station = openStation();
    station.processor.apply(inOrder);
    const { journal, reads } = countReads(station);
    const known = createKnownFacts(journal, maxBytes);
    const actor = station.actors.find(lane, "busy", 0);
    const asked = expected.map(() => {
      expect(known.of(actor)).toHaveLength(200);
      return reads();
    });
    expect(asked).toEqual(expected);
    const after = known.of(actor, placeAt(490));
    expect(after.at(-1)).toMatchObject({ eventId: "e-498" });
    expect(after.length).toBeLessThan(7);
  });
});

describe("of what an actor has heard, what was folded once and for all", () => {
  it.each([
    ["a little", 20],
    ["much, bit by bit", 350],
  ])("is not read for a late fact that has %s folded again", (_, back) => {
    using station = openStation();
    const lane = meterLane({ maxFacts: 400 });
    const { journal, reads, most, forget } = countReads(station);
    const actors = createHotActors(journal, 100, () => {});
    const processor = createProcessor(journal, actors, { maxBytes: 65_536, maxFolded: 300 });
    const seconds = Array.from({ length: 3000 }, (_, index) => 100 + index * 2);
    processor.apply(seconds.map((second, index) => meterEvent(lane, index + 1, second)));
    catchUp({ processor });
    actors.evictLane(lane);
    forget();
    for (let index = 0; index < 10; index++) {
      const second = 6099 - 2 * (back + index);
      seconds.push(second);
      processor.apply([meterEvent(lane, 3001 + index, second)]);
      catchUp({ processor });
    }
    expect(foldOf(station)).toEqual({ count: 3010, sum: sumOf(seconds) });
    expect(most()).toBeGreaterThan(100);
    expect(most()).toBeLessThan(1500);
    // Once to fold it bit by bit, and twice until it is at hand.
    expect(reads()).toBeLessThan(4);
  });

  it("is left out where all is read anew, since it took more than there is", () => {
    using station = openStation();
    station.processor.apply(inOrder);
    const real = station.actors.find(lane, "busy", 0);
    let base: Place | undefined;
    const actor = { ...real, live: { ...real.live, base: () => base } };
    const { journal, reads } = countReads(station);
    const ofOne = 256 + 8 * JSON.stringify({ value: 100 }).length;
    const known = createKnownFacts(journal, 256 + 202 * ofOne);
    const asked = (after?: Place) => [known.of(actor, after).length, reads()];
    expect([asked(), asked(), asked()]).toEqual([1, 2, 2].map((times) => [200, times]));
    for (const [index, second] of [502, 500, 504].entries()) {
      station.processor.apply([meterEvent(lane, 201 + index, second)]);
      actor.heard = real.heard;
      actor.events++;
      known.heard(actor, { ...placeAt(second), data: { value: second } });
    }
    base = placeAt(300);
    expect([asked(base), asked(base), asked(base)]).toEqual([3, 4, 4].map((times) => [103, times]));
    expect([asked(placeAt(500)), asked(placeAt(299)), asked()]).toEqual([
      [3, 4],
      [103, 5],
      [203, 6],
    ]);
  });
});

it("what an actor has heard is read no more often where one of its rows is damaged, which is that actor's trouble alone", () => {
  using station = openStation();
  station.processor.apply(inOrder);
  const actor = station.actors.find(lane, "busy", 0);
  const damaged = (body: unknown) => {
    const { journal, reads } = countReads(station);
    const factsOf: typeof journal.factsOf = (...asked) =>
      [...journal.factsOf(...asked)].map((row) => (row.eventId === "e-100" ? { ...row, body: body as string } : row));
    const known = createKnownFacts({ factsOf });
    return Array.from({ length: 4 }, () => [known.of(actor, placeAt(490)).at(-1)?.eventId, reads()]);
  };
  expect(damaged("{")).toEqual([1, 3, 4, 5].map((reads) => ["e-498", reads]));
  expect(damaged(7)).toEqual([1, 2, 2, 2].map((reads) => ["e-498", reads]));
});

it("what is known of an actor does not keep it in memory", async () => {
  using station = openStation();
  station.processor.apply(inOrder);
  const known = createKnownFacts(station.journal);
  const find = () => {
    const actor = station.actors.find(lane, "busy", 0);
    expect([known.of(actor), known.of(actor)].map(({ length }) => length)).toEqual([200, 200]);
    return new WeakRef(actor);
  };
  const left = find();
  station.actors.evictLane(lane);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const isGone = () => {
    collect();
    return left.deref() === undefined;
  };
  await until("it is collected", isGone, 3000);
  expect(known.of(station.actors.find(lane, "busy", 0))).toHaveLength(200);
});
