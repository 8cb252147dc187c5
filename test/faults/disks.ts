import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../until.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 60_000;

/** No room, or a slow disk. Nothing may be dead-lettered for it. */
export const disks: readonly Fault[] = [
  {
    name: "store-full",
    about: "SQLite may not grow (max_page_count): readiness red, then it goes on by itself",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(
        world,
        3,
        async () => {
          await pause(world.random.whole(50, 300));
          await world.inside({ maxPages: 1 });
          await turnsRed(world);
          world.struck();
          await world.inside({});
        },
        60,
      );
    },
  },
  {
    name: "disk-full",
    about: "the disk under SQLite is full (tmpfs): readiness red, then it grows",
    leastStrikes: process.getuid?.() === 0 ? 1 : 0,
    leastEvents: process.getuid?.() === 0 ? 200 : 0,
    async strike(world) {
      const disk = mountSmallDisk();
      if (disk === undefined) {
        world.note("skipped: a tmpfs can be mounted by root only");
        await world.start();
        return;
      }
      try {
        const dataDir = join(disk, "data");
        const daemon = await world.start({ dataDir });
        const published = world.publish(world.traffic(600));
        await until("readiness turns red", async () => !(await isStoreOk(daemon.httpUrl)), PATIENCE_MS);
        world.struck();
        execFileSync("mount", ["-o", "remount,size=256m", disk]);
        await published;
        await world.settle(daemon);
        // What it has published is what another, on an ordinary disk, publishes: nothing more.
        await daemon.stop();
        await world.start();
      } finally {
        execFileSync("umount", ["-l", disk]);
        rmSync(disk, { recursive: true, force: true });
      }
    },
  },
  {
    name: "nats-disk-full",
    about: "the server's max_file_store is reached, then raised by a restart",
    leastStrikes: 1,
    world: { server: { "max_file_store: 20GB": "max_file_store: 1MB" } },
    async strike(world) {
      await world.start();
      const published = world.publish(world.traffic(600));
      await until("the server refuses messages", async () => !(await canStore(world)), PATIENCE_MS);
      world.struck();
      await until(
        "readiness turns red",
        async () => !(await fetch(`${world.daemon().httpUrl}/readyz`)).ok,
        PATIENCE_MS,
      );
      await world.server.configure({});
      await world.server.restart();
      await published;
    },
  },
  {
    name: "slow-commits",
    about: "every transaction takes 50 to 2000 ms longer",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round) => {
        await world.inside({ commitDelayMs: [50, 300, 2000][round] ?? 50 });
        world.struck();
        await pause(3000);
      });
      await world.inside({});
    },
  },
];

/** @returns undefined when this user may not. */
function mountSmallDisk(): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), "natstate-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], { stdio: "ignore" });
    return disk;
  } catch {
    rmSync(disk, { recursive: true });
    return undefined;
  }
}

async function turnsRed(world: World): Promise<void> {
  const { httpUrl } = world.daemon();
  const filler = world.publish(world.traffic(30));
  await until("readiness turns red", async () => !(await isStoreOk(httpUrl)), PATIENCE_MS);
  await filler;
}

async function isStoreOk(httpUrl: string): Promise<boolean> {
  const { checks } = (await (await fetch(`${httpUrl}/readyz`)).json()) as { checks: { store: { ok: boolean } } };
  return checks.store.ok;
}

/** A bad message, so that it is as good as any other for the checker. */
async function canStore(world: World): Promise<boolean> {
  try {
    await world.session.js.publish("orders.probe.Probe", "is there room?", { timeout: 1000 });
    await pause(50);
    return true;
  } catch {
    return false;
  }
}
