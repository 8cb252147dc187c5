import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { CrashPoint } from "../../src/flow/crash-points.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createKnownFacts } from "../../src/flow/known-facts.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { until } from "../until.ts";
import { meterEvent, meterLane } from "./meters.ts";
import { openStation, type Station } from "./station.ts";

/** The station's journal, and how often what an actor has heard was read from it. */
function countReads({ journal }: Station) {
  let reads = 0;
  const factsOf: typeof journal.factsOf = (actor, from) => {
    reads++;
    return journal.factsOf(actor, from);
  };
  return { journal: { ...journal, factsOf }, reads: () => reads };
}

const lane = meterLane();
const inOrder = Array.from({ length: 200 }, (_, index) => meterEvent(lane, index + 1, 100 + index * 2));
const late = (sequence: number) => meterEvent(lane, sequence, 701 - 2 * sequence);

/** What the actor has come to. */
function foldOf(station: Station) {
  const { count, end } = JSON.parse(String(station.row("busy").snapshot));
  return { count, sum: end.last.context.sum };
}

/** What it has to come to, by arithmetic alone. */
function foldedInTime(lateFacts: number) {
  const late = Array.from({ length: lateFacts }, (_, index) => 299 - 2 * index);
  const seconds = [...inOrder.map((_, index) => 100 + index * 2), ...late].sort((a, b) => a - b);
  return { count: seconds.length, sum: seconds.reduce((sum, second) => (sum * 3 + second) % 1_000_003, 0) };
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
    const after = known.of(actor, { timestamp: "2026-02-01T00:08:10.000Z", type: "Read", eventId: "e-490" });
    expect(after.at(-1)).toMatchObject({ eventId: "e-498" });
    expect(after.length).toBeLessThan(7);
  });
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
