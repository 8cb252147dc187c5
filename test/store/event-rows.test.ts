import { expect, it } from "vitest";
import type { EventRow } from "../../src/flow/rows.ts";
import { openStation } from "../flow/station.ts";

it("events from a time on are all that are not earlier, nanoseconds included", () => {
  using station = openStation();
  const actor = { key: 7, heard: new Uint8Array() };
  const times = [
    "2026-01-01T00:00:00.999Z",
    "2026-01-01T00:00:01.000Z",
    "2026-01-01T00:00:01.0000005Z",
    "2026-01-01T00:00:01.001Z",
    "2026-01-01T00:00:02.000Z",
  ];
  for (const [index, timestamp] of times.entries()) station.journal.recordEvent(actor, row(index, timestamp));
  const from = (time?: string) => [...station.journal.factsOf(actor, time)].map(({ timestamp }) => timestamp);
  expect(from()).toEqual(times);
  expect(from("2026-01-01T00:00:01.000Z")).toEqual(times.slice(1));
  // What is earlier by less than a millisecond may be among them.
  expect(from("2026-01-01T00:00:01.0000005Z")).toEqual(times.slice(1));
  expect(from("2026-01-01T00:00:01.001Z")).toEqual(times.slice(3));
});

function row(index: number, timestamp: string): EventRow {
  return {
    ...{ actorKey: 7, type: "Paid", eventId: `e${index}`, timestamp, body: "{}" },
    ...{ storedAtMs: index, sequence: index, correlationId: null },
  } as EventRow;
}
