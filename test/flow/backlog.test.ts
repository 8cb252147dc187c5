import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";
import { openStation, type Station } from "./station.ts";

/* Facts in reverse: each folds all the others again, since a meter remembers the order. */

const meterType = {
  name: "meter",
  collection: "meters",
  idField: "meterId",
  events: { Read: z.object({ value: z.number() }), Spoiled: z.object({}) },
  machine: createMachine({
    types: {} as { context: { sum: number; last: number }; events: { type: string; data: { value: number } } },
    id: "meter",
    context: { sum: 0, last: 0 },
    on: {
      Read: {
        actions: assign({
          sum: ({ context, event }) => (context.sum * 3 + event.data.value) % 1_000_003,
          last: ({ event }) => event.data.value,
        }),
      },
      Spoiled: {},
    },
  }),
  version: 1,
  states: ["meter"],
  decisionTypes: ["MeterRead", "MeterWithdrawn"],
  withdrawn: "MeterWithdrawn",
  conclude: ({ context }) => ({
    content: context.last === 0 ? null : { decisionType: "MeterRead", last: context.last },
    basedOn: [],
    decidedAt: null,
  }),
  completeness: () => 0,
  view: ({ context }) => ({ ...context }),
  waitingFor: () => [],
} satisfies ActorType<{ sum: number; last: number }> as ActorType;

const lane: Lane = { type: meterType, stream: "METERS", partition: 3 };
const START_MS = Date.parse("2026-02-01T00:00:00Z");

function read(sequence: number, id: string, second: number): Delivery {
  const timestamp = new Date(START_MS + second * 1000).toISOString();
  const body = { meterId: id, eventType: "Read", eventId: `e-${second}`, timestamp, value: second };
  return { ...deliver(sequence, `meters.${id}.Read`, body, { lane }), storedAtMs: START_MS + 10_000_000 + sequence };
}

const COUNT = 200;
/** The busy meter's facts in reverse, each followed by another meter's first. */
const mixed = () =>
  Array.from({ length: COUNT }, (_, index) => [
    read(2 * index + 1, "busy", COUNT - index),
    read(2 * index + 2, `other-${index}`, 1),
  ]).flat();

const columns = "state, events, revision, snapshot";
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
  let batches = 0;
  while (together.processor.backlog.size() > 0 && batches++ < 1000) together.processor.apply([]);
  expect(batches).toBeGreaterThan(3);
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
  for (let batch = 0; batch < 1000 && next.backlog.size() > 0; batch++) next.apply([]);
  expect(waits(station)).toBe(0);
  expect(station.row("busy")).toMatchObject({ events: COUNT + 1 });
  expect(told(station).at(-1)).toEqual([`e-${COUNT + 1}`, COUNT + 1]);
});

it("a lane that goes to another owner is caught up there", () => {
  using station = openStation();
  station.processor.apply(mixed());
  station.processor.backlog.forget({ ...lane, partition: 4 });
  expect(station.processor.backlog.size()).toBe(1);
  station.processor.backlog.forget(lane);
  expect(station.processor.backlog.size()).toBe(0);
});
