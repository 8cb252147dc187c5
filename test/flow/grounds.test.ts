import { describe, expect, it } from "vitest";
import type { Conclusion } from "../../src/actor/actor-type.ts";
import { createRandom } from "../../src/actor/seeded-random.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import type { Journal } from "../../src/flow/journal.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { catchUp, deafMachine, meterEvent, meterLane, meterTime, sumMachine, waitMachine } from "./meters.ts";
import { openStation } from "./station.ts";

/* What decisions rest on, where their rule does not say, and what is kept of facts that are folded once and for all. */

const again = (journal: Journal) =>
  createProcessor(
    journal,
    createHotActors(journal, 100, () => {}),
    { maxBytes: 65_536 },
  );

describe("facts that are folded once and for all", () => {
  const [first, last] = [101, 1000];
  const lane = meterLane({
    latenessMs: 60_000,
    conclude: ({ context }): Conclusion => ({
      content: context.last < last ? { decisionType: "MeterRead" } : { decisionType: "MeterRead", last },
    }),
  });
  const all = Array.from({ length: last - first + 1 }, (_, index) =>
    meterEvent(lane, index + 1, first + index, { stored: first + index + 1 }),
  );

  it("what they gave is kept with them: hot and cold say the same of a decision, and cold reads only what came since", () => {
    const told = [false, true].map((isCold) => {
      using station = openStation();
      station.processor.apply(all.slice(0, -1));
      catchUp(station);
      expect(JSON.parse(String(station.row("busy").snapshot)).base.count).toBeGreaterThan(400);
      let readFromTheFirst = 0;
      const factsOf: Journal["factsOf"] = (actor, from) => {
        if (from === undefined) readFromTheFirst++;
        return station.journal.factsOf(actor, from);
      };
      const processor = isCold ? again({ ...station.journal, factsOf }) : station.processor;
      // A type's first events are tried twice, which reads more.
      processor.apply(
        Array.from({ length: 16 }, (_, index) => meterEvent(lane, index + 2000, 1, { id: `first-${index}` })),
      );
      readFromTheFirst = 0;
      processor.apply([{ ...all[all.length - 1], sequence: 3000 } as Delivery]);
      expect(readFromTheFirst).toBe(0);
      return station.decisions("busy");
    });
    expect(told[1]).toEqual(told[0]);
    expect(told[0]?.at(-1)).toMatchObject({ decidedAt: meterTime(last) });
    expect(told[0]?.at(-1)?.basedOn).toHaveLength(100);
  });

  it("a batch that fails while they are looked for is applied once when it is tried again", () => {
    using station = openStation();
    const quiet = meterLane({ latenessMs: 60_000, conclude: () => ({ content: null }) });
    let failures = 1;
    const factsOf: Journal["factsOf"] = (actor, from) => {
      if (failures-- > 0) throw new Error("disk I/O error");
      return station.journal.factsOf(actor, from);
    };
    const processor = again({ ...station.journal, factsOf });
    const events = all.slice(0, 600).map((event) => ({ ...event, lane: quiet }));
    for (const event of events) {
      try {
        processor.apply([event]);
      } catch {
        processor.apply([event]);
      }
    }
    expect(failures).toBeLessThan(1);
    expect(station.row("busy")).toMatchObject({ events: 600 });
    expect(JSON.parse(String(station.row("busy").snapshot)).count).toBe(600);
  });
});

it("what a decision rests on is the same whether it was followed from the first event on or told when it was taken", () => {
  let decided = 0;
  const machines = [sumMachine, waitMachine(7000), deafMachine];
  for (let seed = 1; seed <= 24; seed++) {
    const random = createRandom(seed);
    const lane = meterLane({
      machine: machines[seed % 3] ?? sumMachine,
      conclude: ({ context: { sum }, value }) => ({
        content:
          sum % 3 === 0 && value !== "quiet"
            ? null
            : { decisionType: "MeterRead", turn: sum % 2, value: String(value) },
      }),
    });
    const events = Array.from({ length: 10 }, (_, index) => {
      const isLate = random() < 0.2;
      const second = 100 + (isLate ? Math.floor(random() * index * 5) : index * 5 + Math.floor(random() * 5));
      const type = random() < 0.3 ? "Spoiled" : "Read";
      return meterEvent(lane, index + 17, second, { type, stored: 101 + index * 5 + Math.floor(random() * 4) });
    });
    const [hot, cold] = [false, true].map((isCold) => {
      using station = openStation();
      // A type's first events are tried twice, and nothing is kept of them.
      const first = Array.from({ length: 16 }, (_, index) =>
        meterEvent(lane, index + 1, 1 + index, { id: "first", stored: 50 }),
      );
      station.processor.apply(first);
      for (const event of events) {
        station.processor.apply([event]);
        if (isCold) station.actors.evict(lane, "busy");
      }
      return station.decisions("busy");
    });
    expect(hot, `seed ${seed}`).toEqual(cold);
    decided += hot?.length ?? 0;
  }
  expect(decided).toBeGreaterThan(40);
});
