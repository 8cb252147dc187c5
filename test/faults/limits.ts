import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { expectRefusal, saysUnready } from "./refusals.ts";

const STREAMS = ["DECISIONS", "DEAD_LETTERS", "ORDERS"] as const;

/** Settings of the streams that throw away what replay needs. */
export const limits: readonly Fault[] = [
  {
    name: "one-per-subject",
    about: "DECISIONS, DEAD_LETTERS, ORDERS limited by subject: noticed while running, refused at the start",
    leastStrikes: 6,
    async strike(world) {
      await world.start();
      const { streams } = world.session.jsm;
      await underLoad(world, STREAMS.length, async (round, published) => {
        const stream = STREAMS[round] ?? "ORDERS";
        const named = new RegExp(`${stream}.*max_msgs_per_subject`, "s");
        await published;
        await world.settle();
        const daemon = world.daemon();
        // High enough to remove nothing here; what matters is that it may.
        await streams.update(stream, { max_msgs_per_subject: 1000 });
        await saysUnready(daemon, named);
        world.struck();
        await daemon.stop();
        expectRefusal(await world.refusal(), named);
        world.struck();
        await streams.update(stream, { max_msgs_per_subject: -1 });
        await world.start();
      });
    },
  },
];
