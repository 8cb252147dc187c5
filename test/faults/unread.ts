import { partitionOf } from "../../src/wire/names.ts";
import { expectCalm } from "./calm.ts";
import { event } from "./events.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import { expectRefusal, startAsTold, stopsLoudly } from "./refusals.ts";
import { PARTITIONS } from "./stage.ts";
import type { World } from "./world.ts";

/** The daemon notes every 5 s how far its partitions are complete. */
const NOTED_MS = 6000;
/** More than a consumer has delivered and not acknowledged. */
const UNREAD = 6000;
const REFUSAL = /never read.*--accept-stream ORDERS/s;

/** Events thrown away that were not read. */
export const unread: readonly Fault[] = [
  {
    name: "purged-lagging",
    about: "ORDERS purged of what a lagging daemon has not read, then more is published: it stops, loudly",
    leastStrikes: 2,
    check: { exact: false },
    rebuild: false,
    world: { server: { "sync_interval: always": 'sync_interval: "2m"' } },
    async strike(world) {
      const daemon = await world.start({ env: { NATSTATE_BATCH_EVENTS: "10" } });
      await world.publish(world.traffic(60));
      await world.settle();
      await pause(NOTED_MS);
      await world.checker.read();
      await world.inside({ commitDelayMs: 200 });
      // Which of them it reads before they are gone nobody can say.
      await world.publish(unreadOf(world, 3));
      await world.session.jsm.streams.purge("ORDERS");
      world.struck();
      await world.publish(world.traffic(20));
      await world.inside({});
      await stopsLoudly(daemon, REFUSAL);
      expectRefusal(await world.refusal(), REFUSAL);
      await startAsTold(world);
      await underLoad(world, 2, async () => {});
      world.struck();
    },
  },
  {
    name: "purged-by-subject",
    about: "unread events of one partition purged by subject, those of others left: refused, then accepted",
    leastStrikes: 2,
    check: { exact: false },
    rebuild: false,
    async strike(world) {
      await world.start();
      await world.publish(world.traffic(60));
      await world.settle();
      await pause(NOTED_MS);
      await world.daemon().stop();
      await world.checker.read();
      const others = world.traffic(40);
      await world.publish(others.slice(0, 100));
      const partition = world.random.whole(0, PARTITIONS - 1);
      await world.publish(unreadOf(world, partition).slice(0, 50));
      const gone = others.flatMap(({ actorId = [] }) => actorId).filter((id) => inPartition(id, partition));
      world.checker.giveUp(gone);
      await world.session.jsm.streams.purge("ORDERS", { filter: `orders.${partition}.>` });
      await world.publish(others.slice(100));
      expectRefusal(await world.refusal(), REFUSAL);
      world.struck();
      await startAsTold(world);
      await expectCalm(world);
      await underLoad(world, 2, async () => {});
      world.struck();
    },
  },
];

const inPartition = (id: string, partition: number) => partitionOf(id, PARTITIONS) === partition;

/** Payments of orders of one partition, of which the checker expects nothing. */
function unreadOf(world: World, partition: number) {
  const ids: string[] = [];
  for (let index = 0; ids.length < UNREAD; index++) {
    if (inPartition(`unread-${index}`, partition)) ids.push(`unread-${index}`);
  }
  world.checker.giveUp(ids);
  return ids.map((orderId) => event(orderId, "PaymentProcessed", { amount: 1, status: "successful" }));
}
