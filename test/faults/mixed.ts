import { copyFileSync, existsSync, rmSync } from "node:fs";
import { CRASH_POINTS } from "../../src/flow/crash-points.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import { PARTITIONS } from "./stage.ts";
import type { World } from "./world.ts";

const STRIKES = 30;

/** Everything short-lived, in a seeded order, one after another and some at once. */
export const mixed: Fault = {
  name: "mixed",
  about: `${STRIKES} faults of all kinds in a seeded order, in pairs`,
  leastStrikes: STRIKES,
  async strike(world) {
    await world.start();
    await underLoad(world, STRIKES / 2, async (round) => {
      await pause(world.random.whole(5, 150));
      // One on each side; two that both start the daemon would be in each other's way.
      const around = world.random.pick(AROUND);
      const within = world.random.pick(WITHIN);
      await Promise.all([around(world), within(world, round)]);
      world.struck(2);
    });
    await world.inside({});
  },
};

/** To the server, the way to it, its consumers and the daemon's surroundings. */
const AROUND: readonly ((world: World) => Promise<void>)[] = [
  async (world) => {
    await world.server.kill9();
    await pause(world.random.whole(0, 500));
    await world.server.restart();
  },
  async (world) => {
    world.server.signal("SIGSTOP");
    await pause(world.random.whole(100, 2000));
    world.server.signal("SIGCONT");
  },
  async (world) => void world.proxy.cut(),
  async (world) => {
    world.proxy.stall(world.random.pick(["both", "to_server", "to_client"]));
    await pause(world.random.whole(100, 3000));
    world.proxy.heal();
  },
  async (world) => {
    world.proxy.delay(world.random.whole(1, 100));
    await pause(1000);
    world.proxy.heal();
  },
  (world) => meddle(world, (name) => world.session.jsm.consumers.delete("ORDERS", name)),
  (world) => meddle(world, (name) => world.session.jsm.consumers.reset("ORDERS", name, world.random.whole(1, 500))),
  (world) => meddle(world, (name) => world.session.jsm.consumers.unpin("ORDERS", name, "owner")),
  (world) => world.inside({ clockAheadMs: world.random.whole(-1_000_000_000, 1_000_000_000) }),
  (world) => world.inside({ commitDelayMs: world.random.whole(1, 200) }),
  async (world) => {
    await world.inside({ maxPages: 1 });
    await pause(world.random.whole(200, 1500));
    await world.inside({});
  },
];

/** To the daemon and its store. */
const WITHIN: readonly ((world: World, round: number) => Promise<void>)[] = [
  async (world) => {
    await world.daemon().kill9();
    await world.start();
  },
  async (world) => {
    // What is not closed in time is cut off with exit code 0 too; only how long it took is told.
    await world.daemon().stop();
    await world.start();
  },
  async (world) => {
    const daemon = world.daemon();
    daemon.signal("SIGSTOP");
    await pause(world.random.whole(100, 7000));
    daemon.signal("SIGCONT");
  },
  async (world) => {
    await world.daemon().kill9();
    // All of the round may have been applied before: without an event no moment of its path comes.
    const published = world.publish(world.traffic(8, 1));
    published.catch(() => {});
    await world.doom(world.random.pick(CRASH_POINTS), 1);
    await published;
    await world.start();
  },
  async (world) => {
    await world.daemon().kill9();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${world.storeFile}${suffix}`, { force: true });
    if (existsSync(`${world.storeFile}.copy`)) copyFileSync(`${world.storeFile}.copy`, world.storeFile);
    await world.start();
  },
  async (world) => {
    await world.daemon().stop();
    copyFileSync(world.storeFile, `${world.storeFile}.copy`);
    await world.start();
  },
];

/** A consumer that is not there at the moment, or a server that is away, is a fault of its own. */
async function meddle(world: World, work: (name: string) => Promise<unknown>): Promise<void> {
  for (let time = 0; time < 5; time++) {
    await work(`orders-${world.random.whole(0, PARTITIONS - 1)}`).catch(() => {});
    await pause(world.random.whole(1, 100));
  }
}
