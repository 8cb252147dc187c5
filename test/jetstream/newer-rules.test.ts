import { expect, it } from "vitest";
import { learnPublished } from "../../src/jetstream/learn-published.ts";
import { refuseOlder } from "../../src/jetstream/newer-rules.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { decide, publisherOf, session, told, usePublishing } from "./publishing.ts";

usePublishing();

const lanes = Array.from({ length: 4 }, (_, partition) => ({ ...orderLane, partition }));
const { version } = orderLane.type;
const newer = { ...orderLane, type: { ...orderLane.type, version: version + 7 } };

/** A newer version decides once about the order. */
async function decideNewer(): Promise<void> {
  using station = openStation();
  const publisher = publisherOf(station, { laneOf: () => newer });
  publisher.offer(
    decide(station)
      .slice(0, 1)
      .map((row) => ({ ...row, payload: row.payload.replace('"estimatedDays":5', '"estimatedDays":70') })),
    [],
  );
  await publisher.drain(5000);
  expect(await told()).toEqual([[1, 70]]);
}

it("what a newer version has decided is neither revised by an older one nor gone on from", async () => {
  await decideNewer();
  using station = openStation();
  const publisher = publisherOf(station);
  publisher.offer(decide(station), []);
  await publisher.drain(5000);
  expect(await told()).toEqual([[1, 70]]);
  publisher.offer(station.outbox.pendingDecisions(orderLane), []);
  await publisher.drain(5000);
  expect(await told()).toEqual([[1, 70]]);
  expect(publisher.troubles).toEqual([]);
  expect(station.outbox.pendingDecisions(orderLane)).toHaveLength(3);
});

it("a lane that a newer version has decided in is known by it, and refused to older ones with what to do", async () => {
  await decideNewer();
  using station = openStation();
  const { outbox } = station;
  await learnPublished({ ...session, outbox, partitions: 4 }, lanes);
  const decided = lanes.filter((lane) => outbox.decidedBy(lane) > 0);
  const [lane = orderLane] = decided;
  expect(() => refuseOlder(outbox, lane)).toThrow(
    `version ${version + 7} of order has decided there, and this daemon has version ${version}: what comes waits in the stream; start one with version ${version + 7} or newer`,
  );
  expect(() => refuseOlder(outbox, { ...newer, partition: lane.partition })).not.toThrow();
  for (const other of lanes.filter((each) => !decided.includes(each))) refuseOlder(outbox, other);
});
