import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../../machines/actor-type.ts";
import type { Lane } from "../flow/ports.ts";
import { consumerName } from "./names.ts";

/** How far one lane is behind. */
export interface LaneLag {
  readonly lane: Lane;
  /** Messages stored and not yet applied. */
  readonly lag: number;
  /** Whoever owned the lane has been given everything up to this stream sequence. */
  readonly deliveredTo: number;
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
      return {
        lane,
        lag,
        deliveredTo: info.delivered.stream_seq,
        completeTo: lag === 0 ? (ends.get(lane.stream) ?? 0) : null,
      };
    }),
  );
}

/** Knows how far the lanes are behind, as of the last measurement. */
export interface LagWatch {
  /** Measures now, not at the next turn. */
  measure(): Promise<void>;
  byLane(): ReadonlyMap<Lane, number>;
  of(type: ActorType): number;
  total(): number;
  /** The lane went to another owner. */
  forget(lane: Lane): void;
  stop(): void;
}

export interface LagWatchOptions {
  readonly jsm: JetStreamManager;
  readonly everyMs: number;
  /** The lanes to be measured. */
  readonly assigned: () => readonly Lane[];
  readonly onMeasured: (lags: readonly LaneLag[]) => void;
  readonly onTrouble: (error: Error) => void;
}

/** Measures at intervals. */
export function watchLag({ jsm, everyMs, assigned, onMeasured, onTrouble }: LagWatchOptions): LagWatch {
  const known = new Map<Lane, number>();
  const timer = setInterval(() => void measure(), everyMs);

  async function measure(): Promise<void> {
    try {
      const lags = await measureLag(jsm, assigned());
      // A lane may have gone to another owner while the answer was on its way.
      const still = assigned();
      for (const { lane, lag } of lags) if (still.includes(lane)) known.set(lane, lag);
      // One that was never read has nobody to say that it went.
      for (const lane of known.keys()) if (!still.includes(lane)) known.delete(lane);
      onMeasured(lags);
    } catch (error) {
      onTrouble(error as Error);
    }
  }

  return {
    measure,
    byLane: () => known,
    of: (type) => [...known].reduce((sum, [lane, lag]) => (lane.type === type ? sum + lag : sum), 0),
    total: () => [...known.values()].reduce((sum, lag) => sum + lag, 0),
    forget: (lane) => void known.delete(lane),
    stop: () => clearInterval(timer),
  };
}
