import { join } from "node:path";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import { bothRead, readsAll, startOther } from "./sharing.ts";

/** Longer than the pin timeout of 5 s. */
const LONGER_THAN_PIN_MS = 7000;
/** Longer than `ack_wait`, 30 s. */
const LONGER_THAN_ACK_WAIT_MS = 32_000;
/** Longer than the 2 minutes for which a stream remembers the ids of its messages. */
const LONGER_THAN_DEDUPE_MS = 125_000;

/** More than one daemon, and owners that are frozen while others take their place. */
export const freezes: readonly Fault[] = [
  {
    name: "two-daemons",
    about: "two daemons on one stream; each in turn is killed with -9 and comes back",
    leastStrikes: 4,
    async strike(world) {
      await world.start();
      let other = await startOther(world);
      await underLoad(world, 4, async (round) => {
        await pause(world.random.whole(50, 500));
        if (round % 2 === 0) {
          await world.daemon().kill9();
          await world.start();
        } else {
          await other.kill9();
          other = await startOther(world);
        }
        world.struck();
        await bothRead(world.daemon(), other);
      });
      await other.stop();
      await readsAll(world.daemon());
    },
  },
  {
    name: "one-file",
    about: "a second daemon on the same file, again and again: refused, the first unharmed",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async () => {
        const output = await world.refusal();
        if (!/in use by another natstate daemon/.test(output)) throw new Error(`refused otherwise:\n${output}`);
        world.struck();
      });
    },
  },
  frozen("frozen-owner", "an owner frozen for 7 s (pin timeout 5 s), twice; another takes over", LONGER_THAN_PIN_MS, 2),
  frozen("frozen-ack-wait", "an owner frozen for 32 s (ack_wait 30 s); another takes over", LONGER_THAN_ACK_WAIT_MS, 1),
  {
    name: "frozen-dedupe",
    about: "an owner frozen for 125 s (dedupe window 2 min) with bad messages in its queue",
    leastStrikes: 1,
    async strike(world) {
      // Slow and in small batches, so that there is a queue to freeze.
      await world.inside({ commitDelayMs: 200 });
      const zombie = await world.start({
        dataDir: join(world.dataDir, "zombie"),
        env: { NATSTATE_BATCH_EVENTS: "10" },
      });
      await world.publish(world.traffic(60, 300));
      zombie.signal("SIGSTOP");
      const thawAtMs = Date.now() + LONGER_THAN_DEDUPE_MS;
      await world.inside({});
      await world.start();
      await readsAll(world.daemon());
      await world.settle();
      await pause(Math.max(0, thawAtMs - Date.now()));
      zombie.signal("SIGCONT");
      world.struck();
      await bothRead(world.daemon(), zombie);
      await zombie.stop();
      await readsAll(world.daemon());
    },
  },
  {
    name: "frozen-alone",
    about: "the only daemon frozen for 1 to 7 s",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round) => {
        await pause(world.random.whole(5, 200));
        await freeze(world.daemon(), [1000, 3000, LONGER_THAN_PIN_MS][round] ?? 1000);
        world.struck();
      });
    },
  },
];

function frozen(name: string, about: string, frozenMs: number, times: number): Fault {
  return {
    name,
    about,
    leastStrikes: times,
    async strike(world) {
      const zombie = await world.start({ dataDir: join(world.dataDir, "zombie") });
      await underLoad(
        world,
        2 * times,
        async (round) => {
          if (round % 2 === 1) return;
          await pause(world.random.whole(5, 100));
          zombie.signal("SIGSTOP");
          const thawAtMs = Date.now() + frozenMs;
          if (round === 0) await world.start();
          await readsAll(world.daemon());
          await pause(Math.max(0, thawAtMs - Date.now()));
          zombie.signal("SIGCONT");
          world.struck();
          await bothRead(world.daemon(), zombie);
        },
        60,
      );
      await zombie.stop();
      await readsAll(world.daemon());
    },
  };
}

async function freeze(daemon: DaemonProcess, ms: number): Promise<void> {
  daemon.signal("SIGSTOP");
  await pause(ms);
  daemon.signal("SIGCONT");
}
