import { existsSync } from "node:fs";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const LIBRARIES = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/faketime/libfaketime.so.1",
];

/** The daemon's clock is wrong. The checker knows event times and stream times only, so it sees any other that got in. */
export const clocks: readonly Fault[] = [
  {
    name: "clock-jumps",
    about: "the daemon's wall clock jumps by days and years, forwards and backwards",
    leastStrikes: 6,
    async strike(world) {
      await world.start();
      await underLoad(world, 6, async (round) => {
        const jumps = [DAY_MS, -DAY_MS, 10 * YEAR_MS, -10 * YEAR_MS, 3_600_000, -50 * YEAR_MS];
        await world.inside({ clockAheadMs: jumps[round] ?? 0 });
        world.struck();
        await pause(world.random.whole(50, 400));
      });
      await world.inside({});
    },
  },
  {
    name: "clock-faked",
    about: "the whole process runs under libfaketime, 400 days ahead, then 400 days behind",
    leastStrikes: findLibrary() === undefined ? 0 : 2,
    async strike(world) {
      const library = findLibrary();
      if (library === undefined) {
        world.note("skipped: libfaketime is not installed (apt-get install libfaketime)");
        await world.start();
        await underLoad(world, 1, async () => {});
        return;
      }
      await underLoad(
        world,
        2,
        async (round) => {
          const env = {
            LD_PRELOAD: library,
            FAKETIME: round === 0 ? "+400d" : "-400d",
            FAKETIME_DONT_FAKE_MONOTONIC: "1",
            NATSTATE_LOG_LEVEL: "info",
          };
          if (round > 0) await world.daemon().stop();
          const daemon = await world.start({ env });
          const logged = Date.parse(/"time":"([^"]+)"/.exec(daemon.output())?.[1] ?? "");
          if (!(Math.abs(logged - Date.now()) > 300 * DAY_MS))
            throw new Error(`the clock was not faked: ${daemon.output()}`);
          world.struck();
        },
        60,
      );
      await world.settle();
      await world.daemon().stop();
      await world.start();
    },
  },
];

function findLibrary(): string | undefined {
  return LIBRARIES.find((path) => existsSync(path));
}
