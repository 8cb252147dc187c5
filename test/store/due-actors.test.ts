import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { createFindDue } from "../../src/store/due-actors.ts";
import { encodeTick } from "../../src/wire/tick.ts";
import { deliver } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";
import { waitingLane } from "../flow/waiting-type.ts";

const lane = waitingLane();
const FOREVER = "9999-12-31T23:59:59.999999999Z";
/** Deliveries are stored at 00:00 on 1 March. */
const filed = (sequence: number, claimId: string, timestamp: string, of = lane) =>
  deliver(sequence, `claims.${claimId}.Filed`, { claimId, eventType: "Filed", timestamp, eventId: "e" }, { lane: of });
const tick = (sequence: number, claimId: string, due: string, of = lane) =>
  deliver(sequence, `claims.${claimId}.TimePassed`, encodeTick(of.type, claimId, due), { lane: of });

/** Claims that lapse within the hour: c-2 first, then c-1, then c-3. */
function open(): Station {
  const station = openStation();
  station.processor.apply([
    filed(1, "c-1", "2026-02-28T23:20:00Z"),
    filed(2, "c-2", "2026-02-28T23:10:00Z"),
    filed(3, "c-3", "2026-02-28T23:30:00.0000001Z"),
    filed(1, "c-4", "2026-02-28T23:05:00Z", { ...lane, partition: 4 }),
    filed(4, "lapsed", "2026-02-28T20:00:00Z"),
  ]);
  return station;
}

it("who waits in a lane, the one whose delay ends first in front; not who waits no longer, nor those of other lanes", () => {
  using station = open();
  const find = createFindDue(station.db);
  expect(find(lane, FOREVER, 10)).toEqual([
    { actorId: "c-2", due: "2026-03-01T00:10:00.000Z" },
    { actorId: "c-1", due: "2026-03-01T00:20:00.000Z" },
    { actorId: "c-3", due: "2026-03-01T00:30:00.0000001Z" },
  ]);
  expect(find(lane, FOREVER, 1)).toHaveLength(1);
  expect(find(lane, "2026-03-01T00:20:00.000Z", 10)).toHaveLength(1);
});

it("who is in quarantine is left out, however many they are", () => {
  using station = open();
  const held = { type: "claim", partition: 3, eventType: "Filed", error: "broken", sinceMs: 1 };
  for (const actorId of ["c-2", "c-1"]) station.journal.quarantine({ ...held, actorId });
  expect(createFindDue(station.db)(lane, FOREVER, 1)).toMatchObject([{ actorId: "c-3" }]);
});

it("an index finds them, without sorting", () => {
  using station = open();
  const explain = (sql: string) => station.db.prepare(`EXPLAIN QUERY PLAN ${sql}`);
  const plan = createFindDue({ prepare: explain } as unknown as typeof station.db)(lane, FOREVER, 1) as unknown as {
    readonly detail: string;
  }[];
  expect(plan.map(({ detail }) => detail)).toContain(
    "SEARCH a USING COVERING INDEX actors_due (type=? AND partition=? AND due<?)",
  );
  expect(plan.filter(({ detail }) => /TEMP B-TREE/.test(detail))).toEqual([]);
});

const ignores = createMachine({
  initial: "filed",
  states: { filed: { after: { 1000: { guard: () => false, target: "lapsed" } }, on: { Paid: {} } }, lapsed: {} },
});

it.each([
  ["something came of the delay", lane.type.machine],
  ["nothing came of it", ignores],
])("who has heard a tick waits no longer: %s", (_, machine) => {
  using station = openStation();
  const of = { ...lane, type: { ...lane.type, machine } };
  const find = createFindDue(station.db);
  station.processor.apply([filed(1, "c-1", "2026-02-28T23:59:59.500Z", of)]);
  const { due = "" } = find(of, FOREVER, 1)[0] ?? {};
  station.processor.apply([{ ...tick(2, "c-1", due, of), storedAtMs: Date.parse("2026-03-01T02:00:00Z") }]);
  expect([due, find(of, FOREVER, 1)]).toEqual([expect.stringContaining("2026-03-01T00:"), []]);
});
