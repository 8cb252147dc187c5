import type { JetStreamManager } from "@nats-io/jetstream";
import type { Lane } from "../flow/ports.ts";
import { consumerName } from "./names.ts";

/** How far one lane is behind. */
export interface LaneLag {
  readonly lane: Lane;
  /** Messages stored and not yet applied. */
  readonly lag: number;
  /** Set when nothing was left to read: the lane is complete up to this stream sequence. */
  readonly completeTo: number | null;
}

/** Asks the server how far each lane is behind. One request a lane and one a stream. */
export async function measureLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<LaneLag[]> {
  const ends = new Map<string, number>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) {
    ends.set(stream, (await jsm.streams.info(stream)).state.last_seq);
  }
  return Promise.all(
    lanes.map(async (lane) => {
      const info = await jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
      const lag = info.num_pending + info.num_ack_pending;
      return { lane, lag, completeTo: lag === 0 ? (ends.get(lane.stream) ?? 0) : null };
    }),
  );
}
