import { expect, it, onTestFinished } from "vitest";
import { createAnswers } from "../../src/answers/answers.ts";
import { createDoors } from "../../src/daemon/doors.ts";
import { createOwnLanes } from "../../src/members/own-lanes.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { openQueries } from "../../src/store/queries.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { session, usePublishing } from "../jetstream/publishing.ts";

usePublishing();

/** A daemon's doors, and in its store an order that is quarantined. */
async function openDoors({ assigned, taken }: { readonly assigned: readonly Lane[]; readonly taken: readonly Lane[] }) {
  const station = openStation();
  const queries = openQueries(station.file);
  station.db.exec("INSERT INTO quarantine VALUES ('order', 'stuck', 1, 'PaymentProcessed', 'no', 0)");
  const own = createOwnLanes();
  own.assign(assigned);
  own.take(taken);
  const doors = createDoors({
    ...{ config: { NATSTATE_HTTP: null }, types: [orderLane.type], instance: "us", version: "1.0.0", own },
    store: { ...station, queries: createAnswers(queries) },
    path: { processor: station.processor, committed() {} },
    streams: { topology: { partitions: 4 }, lanes: { ofActor: () => orderLane } },
    observers: { inspections: {}, activity: {} },
    // A moment before, it was here.
    standing: { whereabouts: () => "here", pastOf: () => undefined },
    connection: { session },
  } as unknown as Parameters<typeof createDoors>[0]);
  const service = await doors.openNats();
  onTestFinished(async () => {
    await service.stop();
    queries.close();
    station[Symbol.dispose]();
  });
  return {
    release: () => createQueryClient(session).release(orderLane.type, "stuck"),
    isQuarantined: () => station.journal.isQuarantined("order", "stuck"),
  };
}

it.each([
  ["was given away", { assigned: [], taken: [orderLane] }],
  ["is not ready yet", { assigned: [orderLane], taken: [] }],
])("nobody is released here whose lane %s: its owner would not know", async (_, lanes) => {
  const { release, isQuarantined } = await openDoors(lanes);
  expect(await release()).toBeUndefined();
  expect(isQuarantined()).toBe(true);
});

it("who is asked for in a lane that is held is released", async () => {
  const { release, isQuarantined } = await openDoors({ assigned: [orderLane], taken: [orderLane] });
  expect(await release()).toMatchObject({ orderId: "stuck", released: true });
  expect(isQuarantined()).toBe(false);
});
