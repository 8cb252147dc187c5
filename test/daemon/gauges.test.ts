import { expect, it } from "vitest";
import { readGauges } from "../../src/daemon/gauges.ts";
import { order } from "../store/order-book.ts";

type Read = Parameters<typeof readGauges>[0];

it("readiness, quarantine, retirement, ticks, the longest wait for a decision and a pause are read as gauges show them", () => {
  const sinceMs = Date.now() - 30_000;
  const parts = {
    types: [order],
    store: { queries: { stats: () => ({ quarantined: 2, retired: 3 }), undecidedSince: () => sinceMs - 30_000 } },
    standing: { ownedPartitions: () => [0] },
    ticking: { onTheirWay: () => 4, overdueMs: () => 5500 },
    readiness: {
      ...{ health: () => ({ ready: false }), reading: () => [] },
      lag: () => new Map([[{ type: order, stream: "ORDERS", partition: 3 }, 9]]),
    },
    streams: { lanes: { all: Array(16) } },
    path: { actors: { size: () => 7 }, publishing: { backlog: () => 1 }, pause: () => ({ sinceMs, error: "full" }) },
    connection: { isConnected: () => false },
  };
  const read = readGauges(parts as unknown as Read);
  const own = { actor: "order" };
  expect(read).toEqual({
    ...{ ready: 0, connected: 0, owned: 0, partitions: 16, hot: 7, backlog: 1 },
    ...{ quarantined: [[own, 2]], retired: [[own, 3]], ticksOnTheirWay: [[own, 4]], ticksOverdue: [[own, 5.5]] },
    lag: [[{ ...own, partition: 3 }, 9]],
    undecided: [[own, expect.closeTo(60, 0)]],
    paused: expect.closeTo(30, 0),
  });
});
