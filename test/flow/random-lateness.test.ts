import { expect, it } from "vitest";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { type Random, seededChoices } from "../hosting/random.ts";
import { catchUp, meterEvent, meterLane, verifyMeter } from "./meters.ts";
import { openStation, type Station } from "./station.ts";

/** Batches of a meter's events: most are the latest, some late by little or much, some repeated. */
function* batchesOf(lane: Lane, random: Random): Generator<Delivery[]> {
  const seconds = [100];
  const total = 300 + random.int(900);
  let clock = 100;
  const next = () => {
    clock += 2;
    const back = random.chance(0.15) ? 2 * random.int(random.pick([10, 100, 600])) + 1 : 0;
    const second = random.chance(0.02) ? random.pick(seconds) : Math.max(20, clock - back);
    seconds.push(second);
    return second;
  };
  for (let sequence = 1; sequence <= total; ) {
    yield Array.from({ length: 1 + random.int(random.pick([1, 5, 60])) }, () =>
      meterEvent(lane, sequence++, next(), { type: random.chance(0.05) ? "Spoiled" : "Read", stored: 1e5 + sequence }),
    );
  }
}

/** Applies them; some at first in vain, and now and then the meter leaves memory. @returns them all. */
function applyAll(station: Station, lane: Lane, random: Random): Delivery[] {
  const actors = createHotActors(station.journal, 100, () => {});
  const limits = { maxBytes: 65_536, maxFolded: random.pick([50, 300, 2000]) };
  let isFailing = false;
  const processor = createProcessor(station.journal, actors, limits, (point) => {
    if (isFailing && point === "in_transaction") throw new Error("the disk is full");
  });
  const all: Delivery[] = [];
  for (const batch of batchesOf(lane, random)) {
    isFailing = random.chance(0.1);
    if (isFailing) expect(() => processor.apply(batch)).toThrow("the disk is full");
    isFailing = false;
    processor.apply(batch);
    all.push(...batch);
    if (random.chance(0.5)) catchUp({ processor });
    if (random.chance(0.03)) actors.evictLane(lane);
  }
  catchUp({ processor });
  return all;
}

it("whatever is late, repeated or tried again, and whoever is in memory, it is what the stream gives", () => {
  for (let seed = 1; seed <= 12; seed++) {
    using station = openStation();
    const random = seededChoices(seed);
    const lane = meterLane({ maxFacts: random.pick([50, 200, 400, 10_000]) });
    const all = applyAll(station, lane, random);
    expect(verifyMeter(station, lane, all), `seed ${seed}`).toEqual([]);
  }
});
