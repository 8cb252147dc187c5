import { until } from "../until.ts";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

/** Longer than the client needs to notice: three pings, 10 s apart. */
const UNNOTICED_MS = 5000;
const NOTICED_MS = 35_000;

/** The server and the way to it. */
export const network: readonly Fault[] = [
  {
    name: "server-kill-9",
    about: "kill -9 of nats-server and a start on the same store",
    leastStrikes: 6,
    async strike(world) {
      await world.start();
      await underLoad(world, 6, async () => {
        await pause(world.random.whole(20, 300));
        await world.server.kill9();
        await pause(world.random.whole(0, 1000));
        await world.server.restart();
        world.struck();
      });
    },
  },
  {
    name: "server-frozen",
    about: "nats-server frozen for 1, 4 and 12 s",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round) => {
        await pause(world.random.whole(20, 200));
        world.server.signal("SIGSTOP");
        await pause([1000, 4000, 12_000][round] ?? 1000);
        world.server.signal("SIGCONT");
        world.struck();
      });
    },
  },
  {
    name: "cut",
    about: "the daemon's connection reset at random times",
    leastStrikes: 12,
    async strike(world) {
      await world.start();
      await underLoad(world, 12, async () => {
        await pause(world.random.whole(5, 300));
        await until("something to cut", () => {
          const connections = world.proxy.cut();
          world.struck(connections);
          return connections > 0;
        });
      });
    },
  },
  halfOpen("half-open", "nothing gets through for 5 s, connections stay up: both ways, then one way each", [
    ["both", UNNOTICED_MS],
    ["to_server", UNNOTICED_MS],
    ["to_client", UNNOTICED_MS],
  ]),
  halfOpen("half-open-long", "nothing gets through for 35 s: readiness turns red", [["both", NOTICED_MS]]),
  {
    name: "delay",
    about: "every byte takes 5 to 200 ms each way",
    leastStrikes: 4,
    async strike(world) {
      await world.start();
      await underLoad(world, 4, async (round) => {
        world.proxy.delay([5, 50, 200, 100][round] ?? 5);
        world.struck();
        await pause(2000);
      });
      world.proxy.heal();
    },
  },
];

type Direction = Parameters<World["proxy"]["stall"]>[0];

/** Nothing gets through for some time, once for each entry. */
export function halfOpen(name: string, about: string, stalls: readonly (readonly [Direction, number])[]): Fault {
  return {
    name,
    about,
    leastStrikes: stalls.length,
    async strike(world) {
      await world.start();
      await underLoad(world, stalls.length, async (round) => {
        const [direction, ms] = stalls[round] ?? ["both", UNNOTICED_MS];
        await pause(world.random.whole(5, 200));
        world.proxy.stall(direction);
        await pause(ms);
        if (ms >= NOTICED_MS && (await fetch(`${world.daemon().httpUrl}/readyz`)).ok) {
          throw new Error("ready, though NATS cannot be reached for 35 s");
        }
        world.proxy.heal();
        world.struck();
      });
    },
  };
}
