import { readFileSync } from "node:fs";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { event } from "./events.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";

const PATIENCE_MS = 60_000;
const LARGE_BYTES = 55_000;
const LARGE_ORDERS = 9500;
const HEAP_MIB = 600;
/** Many enough for 330 MB to be delivered. */
const WAITING = 6000;
/** What a daemon may grow by while nothing can be committed, MiB. */
const MOST_GROWTH_MIB = 250;

/** Large orders, and many of them. */
export const memory: readonly Fault[] = [
  {
    name: "large-orders",
    about: `${LARGE_ORDERS} orders of ${LARGE_BYTES / 1000} KB with a heap of ${HEAP_MIB} MB`,
    leastStrikes: 1,
    // Publishing waits for the disk otherwise; the stream is not what is tried here.
    world: { server: { "sync_interval: always": 'sync_interval: "2m"' } },
    check: { sample: 50 },
    rebuild: false,
    async strike(world) {
      const daemon = await world.start({
        nodeOptions: `--max-old-space-size=${HEAP_MIB}`,
        // What is bounded here is their bytes, not their number.
        env: { NATSTATE_HOT_ACTORS: String(2 * LARGE_ORDERS) },
      });
      for (let from = 0; from < LARGE_ORDERS; from += 500) {
        await world.publish(largeEvents("large", from, Math.min(LARGE_ORDERS, from + 500)));
      }
      await world.settle(daemon, 3 * PATIENCE_MS);
      world.struck();
      world.note(`with ${LARGE_ORDERS} orders of ${LARGE_BYTES} bytes: ${mibOf(daemon.pid)} MiB resident`);
      await underLoad(world, 1, async () => {});
    },
  },
  {
    name: "paused-large",
    about: `${WAITING} events of ${LARGE_BYTES / 1000} KB while nothing can be committed: the daemon grows by ${MOST_GROWTH_MIB} MB at most`,
    leastStrikes: 1,
    world: { server: { "sync_interval: always": 'sync_interval: "2m"' } },
    check: { sample: 50 },
    rebuild: false,
    async strike(world) {
      const { pid, httpUrl } = await world.start();
      await world.publish(world.traffic(60));
      await world.settle();
      await world.inside({ maxPages: 1 });
      const before = mibOf(pid);
      await world.publish(largeEvents("waiting", 0, WAITING));
      await pause(2000);
      const grown = mibOf(pid) - before;
      if ((await fetch(`${httpUrl}/readyz`)).ok) throw new Error("ready, though nothing can be committed");
      world.struck();
      world.note(`while nothing could be committed it grew by ${grown} MiB`);
      await world.inside({});
      await world.settle(undefined, 2 * PATIENCE_MS);
      if (grown > MOST_GROWTH_MIB) throw new Error(`while nothing could be committed it grew by ${grown} MiB`);
    },
  },
];

/** The reservation stays in the order: 200 items with names of 256 characters. */
function largeEvents(prefix: string, from: number, to: number): TrafficMessage[] {
  return Array.from({ length: to - from }, (_, index) => {
    const orderId = `${prefix}-${from + index}`;
    const names = Array.from({ length: LARGE_BYTES / 260 }, (__, item) => `${orderId}-${item}-`.padEnd(256, "x"));
    const reservedItems = Object.fromEntries(names.map((name) => [name, 1]));
    return event(orderId, "InventoryReserved", { reservedItems, warehouseId: "west" });
  });
}

/** Resident, in MiB; 0 where there is no /proc. */
function mibOf(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kib) / 1024);
  } catch {
    return 0;
  }
}
