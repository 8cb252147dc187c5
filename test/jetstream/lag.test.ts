import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { askLag, measureLag } from "../../src/jetstream/lag.ts";
import { watchLag } from "../../src/jetstream/lag-watch.ts";
import { wantedConsumer } from "../../src/jetstream/stream-configs.ts";
import { type Lane, lanesOf } from "../../src/wire/lanes.ts";

const type = orderType as ActorType;
const lanes = lanesOf(type, 2);

/** A server that says that 7 are unread of each lane, or nothing. */
function open() {
  const silent = new Set<number>();
  let nowMs = 0;
  const jsm = {
    streams: { info: async () => ({ state: { last_seq: 7 }, config: { num_replicas: 1 } }) },
    consumers: {
      async info(_stream: string, name: string) {
        const lane = lanes.find(({ partition }) => name === `orders-${partition}`);
        if (lane === undefined || silent.has(lane.partition)) throw new Error("timeout");
        const counts = { num_pending: 7, num_ack_pending: 0, delivered: { stream_seq: 0, consumer_seq: 0 } };
        return { name, config: wantedConsumer(lane), priority_groups: [{ group: "owner" }], ...counts };
      },
    },
  } as unknown as JetStreamManager;
  const lag = watchLag({
    ...{ jsm, everyMs: 5000, assigned: () => lanes, isCatchingUp: () => false, now: () => nowMs },
    onMeasured: async () => {},
    onTrouble: () => {},
  });
  return { lag, silent, pass: (ms: number) => (nowMs += ms) };
}

it("a figure older than two turns is not shown as one of now, and the lane is named with the reason", async () => {
  const { lag, silent, pass } = open();
  expect(lag.total()).toBeNull();
  await lag.measure();
  expect([...lag.byLane().values()]).toEqual([7, 7]);
  expect(lag.total(type)).toBe(14);
  silent.add(1);
  pass(5000);
  await lag.measure();
  // One answer that is missed is not yet a reason to doubt.
  expect(lag.total()).toBe(14);
  pass(6000);
  await lag.measure();
  expect([...lag.byLane().keys()].map(({ partition }) => partition)).toEqual([0]);
  expect(lag.unknown()).toEqual([{ lane: lanes[1], reason: "timeout" }]);
  expect(lag.total(type)).toBeNull();
  silent.clear();
  await lag.measure();
  expect(lag.total(type)).toBe(14);
  lag.stop();
});

it("a lane whose measurement takes longer than its figure lasts is named with a reason, too", async () => {
  const { lag, pass } = open();
  await lag.measure();
  pass(11_000);
  expect(lag.unknown()).toEqual(lanes.map((lane) => ({ lane, reason: "no answer yet" })));
  lag.stop();
});

it("a consumer on a server that has not all of a replicated stream has not read all of it", async () => {
  const asked: unknown[] = [];
  const jsm = {
    streams: {
      info: async () => ({ state: { last_seq: 9 }, config: { num_replicas: 3 } }),
      async getMessage(_stream: string, query: { next_by_subj: string }) {
        asked.push(query);
        if (query.next_by_subj === "orders.1.>") return { seq: 9 };
        throw new JetStreamApiError({ code: 404, err_code: JetStreamApiCodes.NoMessageFound, description: "" });
      },
    },
    consumers: {
      async info(_stream: string, name: string) {
        const lane = lanes.find(({ partition }) => name === `orders-${partition}`) as (typeof lanes)[0];
        const counts = { num_pending: 0, num_ack_pending: 0, delivered: { stream_seq: 4, consumer_seq: 4 } };
        return { name, config: wantedConsumer(lane), priority_groups: [{ group: "owner" }], ...counts };
      },
    },
  } as unknown as JetStreamManager;
  const measured = await measureLag(jsm, lanes);
  expect(measured.map(({ lag, completeTo }) => [lag, completeTo])).toEqual([
    [0, 9],
    [1, null],
  ]);
  expect(asked).toContainEqual({ seq: 5, next_by_subj: "orders.0.>" });
});

it.each([
  [
    "knows no leader of it",
    { cluster: { name: "test", raft_group: "C-R3F-x" }, priority_groups: [{ group: "owner" }] },
  ],
  ["has not made it yet", {}],
])("a server that was just started and %s says nothing of a consumer", async (_, told) => {
  const jsm = {
    streams: { info: async () => ({ state: { last_seq: 9 }, config: { num_replicas: 3 } }) },
    consumers: {
      async info(_stream: string, name: string) {
        const counts = { num_pending: 0, num_ack_pending: 0, delivered: { stream_seq: 0, consumer_seq: 0 } };
        return { name, config: wantedConsumer(lanes[0] as Lane), ...counts, ...told };
      },
    },
  } as unknown as JetStreamManager;
  const [found] = await askLag(jsm, lanes.slice(0, 1));
  expect(found).toMatchObject({ status: "rejected", reason: { message: "its consumer has no leader" } });
});

it("of a lane that went and came back nothing is known until it is measured again", async () => {
  const { lag } = open();
  await lag.measure();
  lag.forget(lanes.slice(0, 1));
  expect([...lag.byLane().keys()]).toEqual(lanes.slice(1));
  expect(lag.total()).toBeNull();
  await lag.measure();
  expect(lag.total()).toBe(14);
  lag.stop();
});
