import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../../machines/actor-type.ts";
import type { Lane } from "../flow/ports.ts";
import { type Delivered, isPinned } from "./lane-reader.ts";
import { consumerName } from "./names.ts";

/** How far one lane is behind. */
export interface LaneLag {
  readonly lane: Lane;
  /** Messages stored and not yet applied. */
  readonly lag: number;
  /** Whoever owned the lane has been given everything up to this stream sequence. */
  readonly deliveredTo: number;
  readonly delivered: Delivered;
  /** Set when nothing was left to read: the lane is complete up to this stream sequence. */
  readonly completeTo: number | null;
}

/** How often is measured while a lane has more. */
const CATCHING_UP_MS = 300;

/** Asks the server how far each lane is behind. One request a lane and one a stream. */
export async function measureLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<LaneLag[]> {
  const askedAtMs = performance.now();
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
        delivered: { count: info.delivered.consumer_seq, isPinned: isPinned(info), askedAtMs },
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
  /** Has everything the stream held of the lane been applied, at least once since it was taken up or read again? */
  hasCaughtUp(lane: Lane): boolean;
  /** The lane is read again from its checkpoint. */
  restart(lane: Lane): void;
  /** The lane went to another owner. */
  forget(lane: Lane): void;
  stop(): void;
}

export interface LagWatchOptions {
  readonly jsm: JetStreamManager;
  readonly everyMs: number;
  /** The lanes to be measured. */
  readonly assigned: () => readonly Lane[];
  /** Those of them whose deliveries arrive. */
  readonly reading: () => readonly Lane[];
  readonly onMeasured: (lags: readonly LaneLag[]) => void;
  readonly onTrouble: (error: Error) => void;
}

/** Measures at intervals, more often while a lane has not caught up. */
export function watchLag({ jsm, everyMs, assigned, reading, onMeasured, onTrouble }: LagWatchOptions): LagWatch {
  const known = new Map<Lane, number>();
  const caughtUp = new Set<Lane>();
  let measuredAtMs = performance.now();
  let isMeasuring = false;
  const timer = setInterval(
    async () => {
      const isCatchingUp = assigned().some((lane) => !caughtUp.has(lane));
      if (isMeasuring || (!isCatchingUp && performance.now() - measuredAtMs < everyMs)) return;
      isMeasuring = true;
      await measure();
      isMeasuring = false;
      measuredAtMs = performance.now();
    },
    Math.min(CATCHING_UP_MS, everyMs),
  );

  async function measure(): Promise<void> {
    try {
      // Before that its consumer stands where the former owner has read to.
      const read = reading();
      const lags = await measureLag(jsm, assigned());
      // A lane may have gone to another owner while the answer was on its way.
      const still = assigned();
      for (const { lane, lag } of lags) {
        if (!still.includes(lane)) continue;
        known.set(lane, lag);
        if (lag === 0 && read.includes(lane)) caughtUp.add(lane);
      }
      // One that was never read has nobody to say that it went.
      for (const lane of known.keys()) if (!still.includes(lane)) forget(lane);
      onMeasured(lags);
    } catch (error) {
      onTrouble(error as Error);
    }
  }

  function forget(lane: Lane): void {
    known.delete(lane);
    caughtUp.delete(lane);
  }

  return {
    measure,
    byLane: () => known,
    of: (type) => [...known].reduce((sum, [lane, lag]) => (lane.type === type ? sum + lag : sum), 0),
    total: () => [...known.values()].reduce((sum, lag) => sum + lag, 0),
    restart: (lane) => void caughtUp.delete(lane),
    hasCaughtUp: (lane) => caughtUp.has(lane),
    forget,
    stop: () => clearInterval(timer),
  };
}
