import { expect, it } from "vitest";
import { openReading } from "../../src/daemon/reading.ts";
import { createOwnLanes } from "../../src/jetstream/own-lanes.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";

it("a released lane's inspectors are told as soon as it is, not when all of them are", async () => {
  const lanes = lanesOf(orderLane.type, 2);
  const told: string[] = [];
  const own = createOwnLanes();
  await using stack = new AsyncDisposableStack();
  const { ownership } = openReading(
    {
      own,
      trouble: { meet: () => "retry" },
      streams: { lanes: { all: lanes }, topology: { manage: true } },
      // Nothing is read.
      connection: { session: {}, readings: {}, isConnected: () => false },
      path: {
        publishing: { learning: { take: async () => {} }, offerDue() {} },
        forget: ({ partition }: { partition: number }) => told.push(`forgotten ${partition}`),
        dropQueued() {},
        resume() {},
      },
      observers: {
        observer: { taken() {}, doubted() {}, released: () => told.push("all released") },
        inspections: {
          released: (gone: typeof lanes) => told.push(...gone.map(({ partition }) => `ended ${partition}`)),
        },
        add() {},
      },
    } as unknown as Parameters<typeof openReading>[0],
    () => true,
    stack,
  );
  await ownership.rebalance([{ id: "us", instance: "us" }], "us");
  expect(own.assigned()).toHaveLength(2);
  await ownership.rebalance([], "us");
  expect(told).toEqual(["forgotten 0", "ended 0", "forgotten 1", "ended 1", "all released"]);
});
