import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { deliver } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { until } from "../until.ts";
import type { Fault } from "./fault.ts";
import type { World } from "./world.ts";

const PENDING = 100_000;
const EVENTS_PER_ORDER = 6.5;
const BATCH = 1000;
const PATIENCE_MS = 180_000;
/** What the skip path has to be faster than the apply path. */
const LEAST_RATIO = 10;

/** Much to catch up with, and much that comes again. */
export const backlog: readonly Fault[] = [
  {
    name: "backlog",
    about: "100,000 events pending at start, then all of them sent again: skipping is 10 times faster than applying",
    leastStrikes: 2,
    leastEvents: PENDING,
    // Publishing waits for the disk otherwise; the stream is not what is tried here.
    world: { server: { "sync_interval: always": 'sync_interval: "2m"' } },
    check: { sample: 2000 },
    rebuild: false,
    async strike(world) {
      await (await world.start()).stop();
      await world.publish(world.traffic(PENDING / EVENTS_PER_ORDER));
      const total = await world.streamSize("ORDERS");
      await world.start();
      const applied = await rateOf(() => countOf(world), total);
      world.struck();
      world.note(`${total} events pending at start: ${applied} events/s applied`);
      await world.settle();

      const startedMs = performance.now();
      for (let partition = 0; partition < 16; partition++) {
        await world.session.jsm.consumers.reset("ORDERS", `orders-${partition}`, 1);
      }
      world.struck();
      // Known to be all of them again only once the daemon has seen a delivery it did not expect.
      await world.publish(world.traffic(20));
      await world.settle(undefined, PATIENCE_MS);
      const again = Math.round(total / ((performance.now() - startedMs) / 1000));
      world.note(`all of them pending again by an outsider's reset: done with at ${again} events/s`);
      compareSkipping(world);
    },
  },
];

/** The processor alone, on a store of its own: the same deliveries twice. */
function compareSkipping(world: World): void {
  using station = openStation(undefined, 50_000);
  const lanes = Array.from({ length: 16 }, (_, partition) => ({
    type: orderType as ActorType,
    stream: "ORDERS",
    partition,
  }));
  const deliveries: Delivery[] = [];
  for (const { subject, body, headers, actorId = "" } of world.traffic(2500)) {
    const lane = lanes[partitionOf(actorId, 16)];
    deliveries.push(deliver(deliveries.length + 1, subject, body, { headers, lane }));
  }
  const run = () => {
    const startedMs = performance.now();
    for (let from = 0; from < deliveries.length; from += BATCH) {
      station.processor.apply(deliveries.slice(from, from + BATCH));
    }
    return Math.round(deliveries.length / ((performance.now() - startedMs) / 1000));
  };
  const applied = run();
  const skipped = run();
  const ratio = skipped / applied;
  world.note(
    `the processor alone: ${applied} events/s applied, ${skipped} events/s skipped, ${ratio.toFixed(1)} times as many`,
  );
  if (ratio < LEAST_RATIO) throw new Error(`skipping is only ${ratio.toFixed(1)} times as fast as applying`);
}

async function countOf(world: World): Promise<number> {
  const stats = (await (await fetch(`${world.daemon().httpUrl}/api/stats`)).json()) as {
    events: { applied: number; superseded: number; duplicate: number };
    deadLetters: { byReason: Record<string, number> };
  };
  const { applied, superseded, duplicate } = stats.events;
  return Object.values(stats.deadLetters.byReason).reduce(
    (sum, count) => sum + count,
    applied + superseded + duplicate,
  );
}

/** Per second, from the first seen to the last. */
async function rateOf(count: () => Promise<number>, total: number): Promise<number> {
  const first = await until("the first are applied", async () => (await count()) || null, PATIENCE_MS);
  const startedMs = performance.now();
  await until("all are applied", async () => (await count()) >= total, PATIENCE_MS);
  return Math.round((total - first) / ((performance.now() - startedMs) / 1000));
}
