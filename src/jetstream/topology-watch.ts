import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";
import { different } from "./comparison.ts";
import { isStreamMissing, NatsSetupError } from "./connect.ts";
import { hazardRemedy, type ReplayHazard, replayHazards } from "./replay-hazards.ts";
import { type TopologyOptions, type WantedStream, wantedStreams } from "./stream-configs.ts";

/** Knows which streams somebody has edited so that they throw away what a store is derived from. */
export type TopologyWatch = ReturnType<typeof createTopologyWatch>;

const FRESH_MS = 2000;

export function createTopologyWatch(
  jsm: JetStreamManager,
  types: readonly ActorType[],
  options: TopologyOptions,
  { now }: Pick<Clock, "now"> = SYSTEM_CLOCK,
) {
  const wanted = wantedStreams(types, options);
  let found = new Map<string, readonly ReplayHazard[]>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const askedAtMs = now();
    const entries = await Promise.all(
      wanted.map(async (stream) => [stream.name, await hazardsOf(jsm, stream)] as const),
    );
    found = new Map(entries);
    lookedAtMs = askedAtMs;
  }

  async function look(): Promise<void> {
    if (now() - lookedAtMs < FRESH_MS) return;
    if (looking === undefined) {
      const mine = ask().finally(() => {
        if (looking === mine) looking = undefined;
      });
      looking = mine;
    }
    await looking;
  }

  const isRedirected = (stream: string) => found.get(stream)?.some(({ setting }) => setting === "subject_transform");
  const troublesOf = (names: Iterable<string>) =>
    [...names].flatMap((name) => {
      const hazards = found.get(name) ?? [];
      const whats = hazards.map(({ what }) => what);
      return hazards.length === 0 ? [] : [different(`stream ${name}`, whats, hazardRemedy(name, hazards))];
    });

  return {
    /** Asks again, unless that was done a moment ago. */
    look,
    /** The connection is back: what was asked on the former one gets no answer, and is not waited for. */
    askAnew(): void {
      looking = undefined;
    },
    /** What was found, a line a stream, with the command that ends it. */
    troubles: () => troublesOf(found.keys()),
    /** Are its messages stored under other subjects, so that a lane is told events of others? */
    isRedirected: (stream: string) => isRedirected(stream) ?? false,
    /**
     * No lane is taken over, and none read again whose decisions another may have taken meanwhile, from a past that may be
     * incomplete. What is being read goes on: its past is in the store, and what waits unread may be thrown away next.
     *
     * @param isNew - the lanes were not ours before.
     * @throws NatsSetupError
     */
    async refuse(lanes: readonly Lane[], isNew: boolean): Promise<void> {
      await look();
      const own = lanes.map(({ stream }) => stream).filter((stream) => isNew || isRedirected(stream));
      const problems = troublesOf(new Set([DECISIONS_STREAM, DEAD_LETTERS_STREAM, ...own]));
      if (problems.length > 0) throw new NatsSetupError(problems.join("\n"));
    },
  };
}

async function hazardsOf(jsm: JetStreamManager, wanted: WantedStream): Promise<readonly ReplayHazard[]> {
  try {
    return replayHazards(wanted, (await jsm.streams.info(wanted.name)).config);
  } catch (error) {
    // That it is gone is another check's to say.
    if (isStreamMissing(error)) return [];
    throw error;
  }
}
