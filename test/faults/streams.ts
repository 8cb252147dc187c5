import type { StreamConfig } from "@nats-io/jetstream";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import { expectRefusal, stopsLoudly } from "./refusals.ts";
import { PARTITIONS } from "./stage.ts";
import type { World } from "./world.ts";

/** The daemon notes every 5 s how far its partitions are complete. */
const NOTED_MS = 6000;

/** Somebody works on the consumers and streams behind the daemon's back. */
export const streams: readonly Fault[] = [
  {
    name: "consumer-deleted",
    about: "consumers deleted under load",
    leastStrikes: 12,
    async strike(world) {
      await world.start();
      await underLoad(world, 6, async () => {
        for (let time = 0; time < 3; time++) {
          await pause(world.random.whole(5, 200));
          await meddle(world, (name) => world.session.jsm.consumers.delete("ORDERS", name));
        }
      });
    },
  },
  {
    name: "consumer-reset",
    about: "consumers reset or unpinned by somebody else",
    leastStrikes: 12,
    async strike(world) {
      await world.start();
      await underLoad(world, 6, async () => {
        for (let time = 0; time < 3; time++) {
          await pause(world.random.whole(5, 200));
          await meddle(world, (name) => world.session.jsm.consumers.reset("ORDERS", name, world.random.whole(1, 200)));
          await meddle(world, (name) => world.session.jsm.consumers.unpin("ORDERS", name, "owner"));
        }
      });
    },
  },
  {
    name: "redelivery-storm",
    about: "all consumers reset to the first message, again and again, for 5 s",
    leastStrikes: 64,
    async strike(world) {
      await world.start();
      await underLoad(
        world,
        2,
        async (round) => {
          if (round === 0) return;
          const endMs = Date.now() + 5000;
          while (Date.now() < endMs) {
            const resets = Array.from({ length: PARTITIONS }, (_, partition) =>
              world.session.jsm.consumers.reset("ORDERS", `orders-${partition}`, 1),
            );
            const settled = await Promise.allSettled(resets);
            world.struck(settled.filter(({ status }) => status === "fulfilled").length);
            await pause(100);
          }
        },
        150,
      );
    },
  },
  {
    name: "purged-below",
    about: "ORDERS purged of what was read: nobody's loss, running or not",
    leastStrikes: 2,
    rebuild: false,
    async strike(world) {
      await world.start();
      await underLoad(
        world,
        3,
        async (round) => {
          if (round === 0) return;
          await world.settle();
          await pause(NOTED_MS);
          if (round === 2) await world.daemon().stop();
          await purge(world, 0);
          if (round === 2) await world.start();
          world.struck();
        },
        60,
      );
    },
  },
  {
    name: "purged-above",
    about: "ORDERS purged of what was not read: refused with the command, then accepted",
    leastStrikes: 2,
    check: { exact: false },
    rebuild: false,
    async strike(world) {
      await world.start();
      await world.publish(world.traffic(60));
      await world.settle();
      await world.daemon().stop();
      await world.checker.read();
      await world.publish(world.traffic(20));
      await purge(world, 10);
      expectRefusal(await world.refusal(), /were never read.*--accept-stream ORDERS/s);
      world.struck();
      await (await world.start({ args: ["--accept-stream", "ORDERS"] })).stop();
      await world.start();
      await underLoad(world, 2, async () => {});
      world.struck();
    },
  },
  {
    name: "purged-above-frozen",
    about: "ORDERS purged while the daemon is frozen, of what it has not read: it stops, loudly",
    leastStrikes: 2,
    check: { exact: false },
    rebuild: false,
    async strike(world) {
      const daemon = await world.start();
      await world.publish(world.traffic(60));
      await world.settle();
      await pause(NOTED_MS);
      await world.checker.read();
      daemon.signal("SIGSTOP");
      // What is sent to it now stays on the way, and is lost with the connection: the checker never sees it either.
      world.proxy.stall("to_client");
      await world.publish(world.traffic(300));
      await purge(world, 10);
      world.proxy.cut();
      world.proxy.heal();
      daemon.signal("SIGCONT");
      world.struck();
      await stopsLoudly(daemon, /were never read.*--accept-stream ORDERS/s);
      await (await world.start({ args: ["--accept-stream", "ORDERS"] })).stop();
      await world.start();
      await underLoad(world, 2, async () => {});
      world.struck();
    },
  },
  {
    name: "recreated",
    about: "ORDERS deleted and made anew: refused with the command, then accepted",
    leastStrikes: 3,
    check: { exact: false },
    rebuild: false,
    async strike(world) {
      const daemon = await world.start();
      await world.publish(world.traffic(60, 14));
      await world.settle();
      await world.checker.read();
      const { config } = await world.session.jsm.streams.info("ORDERS");
      await world.session.jsm.streams.delete("ORDERS");
      await stopsLoudly(daemon, /--accept-stream ORDERS/);
      world.struck();
      await world.session.jsm.streams.add(config as StreamConfig);
      await world.publish(world.traffic(60, 14));
      expectRefusal(await world.refusal(), /deleted and made anew.*--accept-stream ORDERS/s);
      world.struck();
      await (await world.start({ args: ["--accept-stream", "ORDERS"] })).stop();
      await world.start();
      await underLoad(world, 2, async () => {});
      world.struck();
    },
  },
];

/** Does something to one consumer; it may be gone already. */
async function meddle(world: World, work: (name: string) => Promise<unknown>): Promise<void> {
  const name = `orders-${world.random.whole(0, PARTITIONS - 1)}`;
  await work(name).then(
    () => world.struck(),
    () => {},
  );
}

/** Removes all but the last `keep` messages, once the checker has them or is to miss them. */
async function purge(world: World, keep: number): Promise<void> {
  if (keep === 0) await world.checker.read();
  const { state } = await world.session.jsm.streams.info("ORDERS");
  await world.session.jsm.streams.purge("ORDERS", { seq: state.last_seq - keep + 1 });
}
