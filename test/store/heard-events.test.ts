import { expect, it } from "vitest";
import type { EventRow, Hearer, StoredActor } from "../../src/flow/rows.ts";
import { createContradictions } from "../../src/store/contradictions.ts";
import { countIn } from "../../src/store/heard.ts";
import { MAX_IN_ROW } from "../../src/store/heard-events.ts";
import { meterEvent, meterLane } from "../flow/meters.ts";
import { openStation, type Station } from "../flow/station.ts";

const lane = meterLane();
const hear = (station: Station, count: number) => {
  const events = Array.from({ length: count }, (_, index) => meterEvent(lane, index + 1, 100 + index));
  for (let from = 0; from < count; from += 30) station.processor.apply(events.slice(from, from + 30));
  return events;
};
const findRow = (station: Station) => station.journal.findActor("meter", "busy") as StoredActor;
const contradictionsIn = (station: Station) => createContradictions(station.db, () => false).contradictions();

it("an actor that hears many keeps the latest in its row and all in order, and knows each of them again", () => {
  using station = openStation();
  const events = hear(station, 300);
  const row = findRow(station);
  expect(countIn(row.heard)).toBeLessThanOrEqual(MAX_IN_ROW);
  expect(station.db.prepare("SELECT count(*) FROM heard_earlier").pluck().get()).toBeGreaterThan(200);
  expect([...station.journal.eventsOf(row)].map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
  const [, , third] = [...station.journal.eventsOf(row)];
  const later = [...station.journal.factsOf(row, third?.timestamp)];
  expect([later.length, later[0]?.eventId]).toEqual([298, third?.eventId]);
  expect(station.journal.heardTypes(row, ["Read", "Spoiled"])).toEqual(["Read"]);
  // Another process, which has read nothing yet.
  station.actors.evict(lane, "busy");
  const again = events.map((_, index) => meterEvent(lane, 1000 + index, 100 + index));
  const outcomes = station.processor.apply(again).handled.map(({ outcome }) => outcome);
  expect(new Set(outcomes)).toEqual(new Set(["duplicate"]));
  expect(contradictionsIn(station)).toEqual([]);
});

it("two ids with one hash are two events, each known again by itself", () => {
  using station = openStation();
  const { journal } = station;
  const actor: Hearer = { key: 7, heard: new Uint8Array() };
  const [first, second] = [row("plumless", 1), row("buckeroo", 2)];
  expect([journal.recordEvent(actor, first), journal.recordEvent(actor, second)]).toEqual(["new", "new"]);
  expect(journal.recordEvent(actor, { ...first, sequence: 3 })).toBe("duplicate");
  expect(journal.recordEvent(actor, { ...second, body: '{"b":2}', sequence: 4 })).toBe("conflict");
  journal.markOutcome(actor, first, { outcome: "superseded", replayed: 0 });
  const select = "SELECT event_id, outcome, duplicates, conflicts FROM events ORDER BY place";
  expect(station.db.prepare(select).raw().all()).toEqual([
    ["plumless", "superseded", 1, 0],
    ["buckeroo", "applied", 0, 1],
  ]);
  journal.forgetEvent(actor, first);
  expect([...journal.eventsOf(actor)]).toMatchObject([{ eventId: "buckeroo" }]);
  expect(journal.recordEvent(actor, { ...first, sequence: 5 })).toBe("new");
});

it("so they are where the first is in the table, and when that one is forgotten there", () => {
  using station = openStation();
  hear(station, 1);
  const { journal } = station;
  const before = findRow(station);
  const actor: Hearer = { key: before.key, heard: before.heard };
  const named = (eventId: string, sequence: number) => ({ ...row(eventId, sequence), actorKey: before.key });
  for (const [index, id] of ["plumless", ...Array.from({ length: 100 }, (_, n) => `e-${n}`)].entries()) {
    journal.recordEvent(actor, named(id, index));
  }
  actor.heard = journal.saveActor({ ...before, events: 102, heard: actor.heard }, before);
  const hearAgain = (id: string) => journal.recordEvent(actor, named(id, 1000));
  expect([hearAgain("buckeroo"), hearAgain("plumless")]).toEqual(["new", "duplicate"]);
  journal.forgetEvent(actor, { type: "Paid", eventId: "plumless" });
  expect([hearAgain("buckeroo"), hearAgain("plumless")]).toEqual(["again", "new"]);
  journal.saveActor({ ...before, rowVersion: 2, events: 103, heard: actor.heard }, before);
  expect(contradictionsIn(station)).toEqual([]);
});

it("an event that its actor's row does not say it has heard, and one that is gone, are contradictions", () => {
  using station = openStation();
  hear(station, 100);
  const { key } = findRow(station);
  station.db.exec("DELETE FROM events WHERE place = 90; DELETE FROM heard_earlier WHERE place = 3");
  expect(contradictionsIn(station)).toEqual([
    "actors that count other events than they have: 1, busy among them",
    "events that their actors do not know of: 1, busy among them",
  ]);
  station.db.prepare("INSERT INTO heard_earlier VALUES (?, 1, 1, 90)").run(key);
  expect(contradictionsIn(station)).toContain("actors that know of other events than they have: 1, busy among them");
});

function row(eventId: string, sequence: number): EventRow {
  return {
    ...{ actorKey: 7, type: "Paid", eventId, timestamp: "2026-01-01T00:00:00.000Z", body: "{}" },
    ...{ storedAtMs: sequence, sequence, correlationId: null },
  };
}
