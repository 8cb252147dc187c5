import { CRASH_POINTS, type CrashPoint } from "../../src/flow/crash-points.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";

/** Moments that come once an event or publication come often; the others once a batch. */
const TIMES = { few: [1, 3], many: [1, 15, 40] };

/** `kill -9` between any two steps of the path, and at random. */
export const crashes: readonly Fault[] = [
  ...CRASH_POINTS.map((moment) => crashAt(moment, ["received", "published"].includes(moment) ? TIMES.many : TIMES.few)),
  {
    name: "kill-9",
    about: "kill -9 of the daemon at random times",
    leastStrikes: 10,
    async strike(world) {
      await world.start();
      await underLoad(world, 10, async () => {
        await pause(world.random.whole(5, 400));
        await world.daemon().kill9();
        world.struck();
        await world.start();
      });
    },
  },
  {
    name: "sigterm",
    about: "SIGTERM at random times: exit code 0 within 10 s",
    leastStrikes: 6,
    async strike(world) {
      await world.start();
      await underLoad(world, 6, async () => {
        await pause(world.random.whole(5, 400));
        const sentMs = performance.now();
        const code = await world.daemon().stop();
        if (code !== 0) throw new Error(`SIGTERM ended with ${code}`);
        if (performance.now() - sentMs > 10_000) throw new Error("SIGTERM took longer than 10 s");
        world.struck();
        await world.start();
      });
    },
  },
];

/** The daemon kills itself when a moment comes for the n-th time, once for each n. */
export function crashAt(moment: CrashPoint, times: readonly number[]): Fault {
  return {
    name: `crash-${moment.replace("_", "-")}`,
    about: `kill -9 when ${moment}, the ${times.join(", ")}. time`,
    leastStrikes: times.length,
    async strike(world) {
      await world.start();
      const strike = async (round: number) => {
        await world.daemon().stop();
        await world.doom(moment, times[round] ?? 1);
        await world.start();
      };
      await underLoad(world, times.length, strike, 60);
    },
  };
}
