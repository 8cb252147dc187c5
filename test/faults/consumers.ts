import type { ConsumerConfig, ConsumerUpdateConfig } from "@nats-io/jetstream";
import { until } from "../until.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { saysUnready } from "./refusals.ts";
import { PARTITIONS } from "./stage.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 30_000;
const HOUR_MS = 3_600_000;

const PAUSED = "paused";

/** What a consumer left out is heard after what it did not, and copies that are read again count again. */
const HEARD_LATER = { exact: false, inOrder: false };

type Edit = readonly [what: string, change: (world: World, partition: number) => Promise<unknown>];

const EDITS: readonly Edit[] = [
  ["another partition's filter", (world, own) => edit(world, own, { filter_subject: `orders.${(own + 1) % 16}.>` })],
  ["a narrower filter", (world, own) => edit(world, own, { filter_subject: `orders.${own}.*.PaymentProcessed` })],
  ["headers only", (world, own) => edit(world, own, { headers_only: true })],
  ["paused", (world, own) => world.session.jsm.consumers.pause("ORDERS", nameOf(own), new Date(Date.now() + HOUR_MS))],
];

/** Somebody edits the partitions' consumers under load: only a partition's own events, whole, are ever applied. */
export const consumers: readonly Fault[] = [
  {
    name: "consumer-edited",
    about:
      "consumers given another filter, a narrower one, headers only: put right; paused: said by /readyz, resumed by us",
    leastStrikes: 12,
    check: HEARD_LATER,
    rebuild: false,
    async strike(world) {
      await world.start();
      await underLoad(world, EDITS.length, async (round) => {
        const [what, change] = EDITS[round] as Edit;
        const partitions = some(world, 3);
        for (const partition of partitions) await change(world, partition);
        world.struck(partitions.length);
        // The round's own events are stored by now: these are what the edited consumers leave out.
        await world.publish(world.traffic(40, 2));
        if (what === PAUSED) {
          // Somebody may have meant it: it is told, of one of them by name, and not ended.
          await saysUnready(world.daemon(), /consumer orders-\d+ .*paused/);
          for (const partition of partitions) await world.session.jsm.consumers.resume("ORDERS", nameOf(partition));
        }
        for (const partition of partitions) {
          const isRight = () => isAsMade(world, partition).catch(() => false);
          await until(`${what}: ${nameOf(partition)} is put right`, isRight, PATIENCE_MS);
        }
      });
    },
  },
  {
    name: "consumer-edited-alone",
    about: "the same without NATSTATE_MANAGE_STREAMS: said by /readyz, and read on once a person puts it right",
    leastStrikes: 4,
    check: HEARD_LATER,
    rebuild: false,
    async strike(world) {
      await (await world.start()).stop();
      await world.start({ env: { NATSTATE_MANAGE_STREAMS: "false" } });
      await underLoad(world, EDITS.length, async (round) => {
        const [, change] = EDITS[round] as Edit;
        const [partition = 0] = some(world, 1);
        const { config } = await world.session.jsm.consumers.info("ORDERS", nameOf(partition));
        await change(world, partition);
        await saysUnready(world.daemon(), named(partition));
        world.struck();
        await world.session.jsm.consumers.update("ORDERS", nameOf(partition), { headers_only: false, ...config });
        await world.session.jsm.consumers.resume("ORDERS", nameOf(partition));
      });
      await world.settle().catch(async (error: Error) => {
        throw new Error(`${error.message}\n${await world.state()}`);
      });
    },
  },
];

const nameOf = (partition: number) => `orders-${partition}`;
const named = (partition: number) => new RegExp(`${nameOf(partition)}\\b`);

async function edit(world: World, partition: number, change: ConsumerUpdateConfig | ConsumerConfig): Promise<void> {
  const { config } = await world.session.jsm.consumers.info("ORDERS", nameOf(partition));
  await world.session.jsm.consumers.update("ORDERS", nameOf(partition), { ...config, ...change });
}

async function isAsMade(world: World, partition: number): Promise<boolean> {
  const { config, paused } = await world.session.jsm.consumers.info("ORDERS", nameOf(partition));
  return config.filter_subject === `orders.${partition}.>` && !config.headers_only && !paused;
}

function some(world: World, count: number): number[] {
  const first = world.random.whole(0, PARTITIONS - 1);
  return Array.from({ length: count }, (_, index) => (first + 5 * index) % PARTITIONS);
}
