import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { release } from "../../src/care/release.ts";
import { openDeriver } from "../../src/care/verify-actor.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { createJournal } from "../../src/store/journal.ts";
import { badRules } from "./bad-rules.ts";
import { orderLane } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { applyEach, openStation, type Station } from "./station.ts";
import { thingEvent, thingLane, thingType } from "./things.ts";

function outcomes(station: Station, actorId: string): unknown {
  const rows = station.db.prepare("SELECT error FROM quarantine WHERE actor_id = ?").pluck().all(actorId);
  return [rows, station.decisions(actorId).map(({ n }) => n)];
}

describe("what one actor does wrong", () => {
  // One store for all of them, with a stream and actors for each: opening one costs more than the test.
  let station: Station;

  let other: Station;

  beforeAll(() => {
    station = openStation();
    other = openStation();
  });

  afterAll(() => {
    station[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  it.each(badRules.map((entry, index) => [...entry, index] as const))(
    "%s: that actor is quarantined, with the field; all others flow",
    (_what, rules, error, index) => {
      const lane = { ...thingLane(thingType(rules)), stream: `THINGS_${index}` };
      const ofOrders = { ...orderLane, stream: `ORDERS_${index}` };
      const [bad, good, order] = [`bad-${index}`, `good-${index}`, `order-${index}`];
      const batch = [
        thingEvent(lane, 1, bad, { eventType: "Counted", n: 1 }),
        orderEvent(1, order, "PaymentProcessed", { second: 1, status: "failed", lane: ofOrders }),
        thingEvent(lane, 2, bad, "Spoiled"),
        thingEvent(lane, 3, good, { eventType: "Counted", n: 3 }),
        thingEvent(lane, 4, bad, { eventType: "Counted", n: 4 }),
        orderEvent(2, order, "InventoryReserved", { second: 2, lane: ofOrders }),
      ];
      const { handled } = station.processor.apply(batch);
      expect(handled.map(({ outcome }) => outcome)).toEqual([
        ...["applied", "applied", "rejected", "applied", "parked", "applied"],
      ]);
      expect(handled[2]?.rejected).toMatchObject({ reason: "machine_error", error: expect.stringMatching(error) });
      expect(station.decisions(order)).toMatchObject([{ decisionType: "OrderRejected" }]);
      expect(station.decisions(good)).toHaveLength(1);
      expect(station.row(bad)).toMatchObject({ events: 1, completeness: 50, state: "open" });

      // One by one, as another daemon may have heard them.
      applyEach(other, batch);
      for (const id of [bad, good]) expect(outcomes(other, id)).toEqual(outcomes(station, id));

      // After a restart the same is wrong, and still of that actor only.
      const journal = createJournal(station.db);
      const restarted = createProcessor(
        journal,
        createHotActors(journal, 10, () => {}),
        { maxBytes: 65_536 },
      );
      expect(release(journal, restarted, lane, bad)?.handled.map(({ outcome }) => outcome)).toEqual([
        "rejected",
        "parked",
      ]);
      const later = [
        thingEvent(lane, 5, bad, { eventType: "Counted", n: 5 }),
        thingEvent(lane, 6, good, { eventType: "Counted", n: 3 }),
      ];
      expect(restarted.apply(later).handled.map(({ outcome }) => outcome)).toEqual(["parked", "applied"]);
    },
  );
});

describe("after what one actor did wrong", () => {
  it("it is mended by a release after a fix, from where it was", () => {
    let isBroken = true;
    const lane = thingLane(thingType({ completeness: () => (isBroken ? Number.NaN : 50) }));
    using station = openStation();
    station.processor.apply([
      thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 }),
      thingEvent(lane, 2, "t", { eventType: "Counted", n: 2 }),
    ]);
    isBroken = false;
    expect(release(station.journal, station.processor, lane, "t")?.handled.map(({ outcome }) => outcome)).toEqual([
      "applied",
      "applied",
    ]);
    expect(station.decisions("t")).toMatchObject([
      { n: 1, revision: 1 },
      { n: 2, revision: 2 },
    ]);
  });

  it("derived anew from the log it is quarantined too, and the deriver goes on", () => {
    const lane = thingLane(thingType({ made: () => 1n }));
    const deliveries = [
      thingEvent(lane, 1, "bad", { eventType: "Counted", n: 1 }),
      thingEvent(lane, 2, "bad", "Spoiled"),
    ];
    const deriver = openDeriver(65_536);
    const stored = {
      ...{ row: null, events: [], ledger: [], imported: [], parked: [], isRetired: false },
      ...{ checkpoint: 2, decisionsKnownTo: 0 },
    };
    const log = { deliveries, firstSequence: 1, createdMs: 0, published: { decisions: [], firstSequence: 1 } };
    for (let times = 0; times < 2; times++) {
      const derived = atOnce(deriver.derive(lane, "bad", stored, log));
      expect([...derived.rejections]).toEqual([[2, "machine_error"]]);
      expect(derived.image.row).toMatchObject({ events: 1 });
    }
    deriver.close();
  });
});
