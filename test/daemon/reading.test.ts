import { expect, it } from "vitest";
import { openReading } from "../../src/daemon/reading.ts";
import { createOwnLanes } from "../../src/members/own-lanes.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { aMember, knowing } from "../members/a-member.ts";

it("a released lane's inspectors are told as soon as it is, not when all of them are", async () => {
  const lanes = lanesOf(orderLane.type, 2);
  const told: string[] = [];
  const own = createOwnLanes();
  await using stack = new AsyncDisposableStack();
  const { ownership } = openReading(
    {
      config: { NATSTATE_STANDBYS: 0 },
      own,
      trouble: { meet: () => "retry" },
      streams: { lanes: { all: lanes }, topology: { manage: true } },
      // Nothing is read.
      connection: { session: {}, readings: {}, isConnected: () => false },
      path: {
        publishing: { learning: { take: async () => {} }, offerDue() {}, settle: async () => {} },
        followed: {},
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
      copying: { bring: async () => {} },
    } as unknown as Parameters<typeof openReading>[0],
    () => true,
    stack,
  );
  await ownership.rebalance([aMember("us")], aMember("us"));
  expect(own.assigned()).toHaveLength(2);
  const leaving = aMember("us", { leaving: true });
  await ownership.rebalance([leaving, aMember("other", { streams: [knowing({ holds: [0, 1] })] })], leaving);
  expect(told).toEqual(["forgotten 0", "ended 0", "forgotten 1", "ended 1", "all released"]);
});
