import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../../machines/actor-type.ts";
import type { Lane } from "../flow/ports.ts";
import type { Delivered } from "./delivery-audit.ts";
import { type ConsumerFinding, examineConsumer } from "./lane-consumer.ts";
import { deliveredOf } from "./lane-reader.ts";
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
  /** Its consumer, held against what it should be. */
  readonly consumer: ConsumerFinding;
}

/** How often is measured while a lane has more. */
const CATCHING_UP_MS = 300;

/**
 * Asks the server how far each lane is behind. One request a lane and one a stream.
 *
 * @returns for each lane, in order, its lag or why it is not known.
 */
async function askLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<PromiseSettledResult<LaneLag>[]> {
  const askedAtMs = performance.now();
  const ends = new Map<string, number>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) {
    ends.set(stream, (await jsm.streams.info(stream)).state.last_seq);
  }
  return Promise.allSettled(
    lanes.map(async (lane) => {
      const info = await jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
      const lag = info.num_pending + info.num_ack_pending;
      return {
        lane,
        lag,
        deliveredTo: info.delivered.stream_seq,
        delivered: deliveredOf(info, askedAtMs),
        completeTo: lag === 0 ? (ends.get(lane.stream) ?? 0) : null,
        consumer: examineConsumer(lane, info),
      };
    }),
  );
}

/** Asks the server how far each lane is behind. Rejects when that of one is not known. */
export async function measureLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<LaneLag[]> {
  return (await askLag(jsm, lanes)).map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
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
  /** Are there lanes to be asked about more often? */
  readonly isCatchingUp: () => boolean;
  /** The next measurement waits for it. */
  readonly onMeasured: (lags: readonly LaneLag[]) => Promise<void>;
  readonly onTrouble: (error: Error) => void;
}

/** Measures at intervals, more often while a lane has not caught up. */
export function watchLag({ jsm, everyMs, assigned, isCatchingUp, onMeasured, onTrouble }: LagWatchOptions): LagWatch {
  const known = new Map<Lane, number>();
  let measuredAtMs = performance.now();
  let isMeasuring = false;
  const timer = setInterval(
    async () => {
      if (isMeasuring || (!isCatchingUp() && performance.now() - measuredAtMs < everyMs)) return;
      isMeasuring = true;
      await measure();
      isMeasuring = false;
      measuredAtMs = performance.now();
    },
    Math.min(CATCHING_UP_MS, everyMs),
  );

  async function measure(): Promise<void> {
    try {
      const results = await askLag(jsm, assigned());
      // A lane may have gone to another owner while the answer was on its way.
      const still = assigned();
      const lags = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      for (const { lane, lag } of lags) if (still.includes(lane)) known.set(lane, lag);
      // One that was never read has nobody to say that it went.
      for (const lane of known.keys()) if (!still.includes(lane)) known.delete(lane);
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) onTrouble(failed.reason as Error);
      await onMeasured(lags);
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
