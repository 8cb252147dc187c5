import { connectNats } from "../../src/jetstream/connect.ts";
import type { Stalls } from "./stalls.ts";

/** Where a contender finds its stream and keeps its store; handed over in the environment. */
export interface ChildInput {
  readonly natsUrl: string;
  /** Empty at start, the contender's own. */
  readonly dataDir: string;
}

/** What the parent asks of a contender. */
export type Request = "usage" | "stalls" | "stop";

/** What a contender says of its own accord: it hears requests from now on. */
export type Hello = "ready";

/** What a contender answers to `usage`. */
export interface Usage {
  /** Peak resident set of the process so far, KiB. */
  readonly maxRssKib: number;
}

/** Puts a contender's input into its environment. */
export function toEnvironment({ natsUrl, dataDir }: ChildInput): NodeJS.ProcessEnv {
  return { BENCH_NATS_URL: natsUrl, BENCH_DATA: dataDir };
}

/** Reads what {@link toEnvironment} wrote. */
export function readInput(): ChildInput {
  const { BENCH_NATS_URL: natsUrl, BENCH_DATA: dataDir } = process.env;
  if (natsUrl === undefined || dataDir === undefined) throw new Error("start this with bench.ts, not by itself");
  return { natsUrl, dataDir };
}

/**
 * Answers the parent until it says stop, then ends the process (with code 0, so that a CPU profile is written).
 *
 * @param stalls - what held it up since it was last asked.
 */
export function obeyParent(stop: () => Promise<void>, stalls?: () => Stalls): void {
  process.on("disconnect", () => process.exit(1));
  process.send?.("ready" satisfies Hello);
  process.on("message", async (request: Request) => {
    if (request === "usage") process.send?.({ maxRssKib: process.resourceUsage().maxRSS } satisfies Usage);
    if (request === "stalls") process.send?.(stalls?.() ?? null);
    if (request === "stop") {
      await stop();
      process.exit(0);
    }
  });
}

/** The same connection for every contender: natstate's own client options. */
export function connectAs(name: string, natsUrl: string) {
  return connectNats({ url: natsUrl, name: `bench-${name}` });
}
