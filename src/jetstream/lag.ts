import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName } from "../wire/names.ts";
import type { Delivered } from "./delivery-audit.ts";
import { type ConsumerFinding, examineConsumer } from "./lane-consumer.ts";
import { deliveredOf } from "./lane-reader.ts";
import { nextMessage } from "./leader-reader.ts";
import { wantedConsumer } from "./stream-configs.ts";

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

/** Where a stream ends, as its leader says. */
interface End {
  readonly lastSequence: number;
  /** Its consumers may sit on a server that does not have all of it. */
  readonly isReplicated: boolean;
}

/**
 * Asks the server how far each lane is behind. One request a lane and one a stream; one more for an idle lane of a
 * replicated stream.
 *
 * @returns for each lane, in order, its lag or why it is not known.
 */
async function askLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<PromiseSettledResult<LaneLag>[]> {
  const askedAtMs = performance.now();
  const ends = new Map<string, End>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) {
    const { state, config } = await jsm.streams.info(stream);
    ends.set(stream, { lastSequence: state.last_seq, isReplicated: config.num_replicas > 1 });
  }
  return Promise.allSettled(
    lanes.map(async (lane) => {
      const info = await jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
      const { lastSequence, isReplicated } = ends.get(lane.stream) ?? { lastSequence: 0, isReplicated: false };
      const counted = info.num_pending + info.num_ack_pending;
      const lag = counted > 0 || !isReplicated ? counted : await unseen(jsm, lane, info);
      return {
        lane,
        lag,
        deliveredTo: info.delivered.stream_seq,
        delivered: deliveredOf(info, askedAtMs),
        completeTo: lag === 0 ? lastSequence : null,
        consumer: examineConsumer(lane, info),
      };
    }),
  );
}

/** A consumer counts what its own server has of the stream: is there more? @returns 0, or 1 for some. */
async function unseen(jsm: JetStreamManager, lane: Lane, { delivered }: ConsumerInfo): Promise<number> {
  const subject = wantedConsumer(lane).filter_subject;
  return (await nextMessage(jsm, lane.stream, subject, delivered.stream_seq + 1)) === undefined ? 0 : 1;
}

/** Asks the server how far each lane is behind. Rejects when that of one is not known. */
export async function measureLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<LaneLag[]> {
  return (await askLag(jsm, lanes)).map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** Knows how far the lanes are behind, as of the last measurement. What is older than two turns is not known any more. */
export interface LagWatch {
  /** Measures now, not at the next turn. */
  measure(): Promise<void>;
  byLane(): ReadonlyMap<Lane, number>;
  /** Of its lanes, or all; null when that of one is not known. */
  total(type?: ActorType): number | null;
  /** Lanes of which it is not known any more, and why. */
  unknown(): readonly { readonly lane: Lane; readonly reason: string }[];
  /** What was found wrong with their consumers, a line each. */
  consumerProblems(): readonly string[];
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
  /** Monotonic, ms. */
  readonly now?: () => number;
}

interface Figure {
  /** Undefined until it is measured. */
  readonly lag: number | undefined;
  /** When it was, or when the lane was first seen. */
  readonly atMs: number;
  /** Why it was not measured since. */
  readonly reason: string;
  readonly consumerProblem: string | undefined;
}

/** Measures at intervals, more often while a lane has not caught up. */
export function watchLag(options: LagWatchOptions): LagWatch {
  const { jsm, everyMs, assigned, isCatchingUp, onMeasured, onTrouble, now = () => performance.now() } = options;
  const figures = new Map<Lane, Figure>();
  let measuredAtMs = now();
  let isMeasuring = false;
  const timer = setInterval(
    async () => {
      if (isMeasuring || (!isCatchingUp() && now() - measuredAtMs < everyMs)) return;
      isMeasuring = true;
      await measure();
      isMeasuring = false;
      measuredAtMs = now();
    },
    Math.min(CATCHING_UP_MS, everyMs),
  );

  /** One that was never read has nobody to say that it went. */
  function follow(lanes: readonly Lane[]): void {
    for (const lane of figures.keys()) if (!lanes.includes(lane)) figures.delete(lane);
    for (const lane of lanes) {
      if (!figures.has(lane)) fail(lane, "not measured yet");
    }
  }

  function fail(lane: Lane, reason: string): void {
    const known = figures.get(lane) ?? { lag: undefined, atMs: now(), consumerProblem: undefined };
    figures.set(lane, { ...known, reason });
  }

  async function measure(): Promise<void> {
    const lanes = assigned();
    follow(lanes);
    try {
      const results = await askLag(jsm, lanes);
      // A lane may have gone to another owner while the answer was on its way.
      const still = assigned();
      const lags: LaneLag[] = [];
      for (const [index, lane] of lanes.entries()) {
        const result = results[index];
        if (result === undefined || !still.includes(lane)) continue;
        if (result.status === "rejected") {
          fail(lane, (result.reason as Error).message);
          continue;
        }
        const { lag, consumer } = result.value;
        figures.set(lane, { lag, atMs: now(), reason: "", consumerProblem: consumer.problem ?? undefined });
        lags.push(result.value);
      }
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) onTrouble(failed.reason as Error);
      await onMeasured(lags);
    } catch (error) {
      for (const lane of lanes) if (figures.has(lane)) fail(lane, (error as Error).message);
      onTrouble(error as Error);
    }
  }

  const isFresh = ({ atMs }: Figure) => now() - atMs < 2 * everyMs;
  /** A lane may have gone to another owner since. */
  const own = () => {
    const lanes = assigned();
    return [...figures].filter(([lane]) => lanes.includes(lane));
  };
  const byLane = () =>
    new Map(
      own().flatMap(([lane, figure]) =>
        isFresh(figure) && figure.lag !== undefined ? [[lane, figure.lag] as const] : [],
      ),
    );
  const unknown = () => own().flatMap(([lane, figure]) => (isFresh(figure) ? [] : [{ lane, reason: figure.reason }]));

  return {
    measure,
    byLane,
    total(type) {
      const lanes = assigned().filter((lane) => type === undefined || lane.type === type);
      const known = byLane();
      const lags = lanes.map((lane) => known.get(lane));
      return lags.reduce<number | null>((sum, lag) => (sum === null || lag === undefined ? null : sum + lag), 0);
    },
    unknown,
    consumerProblems: () => own().flatMap(([, { consumerProblem }]) => consumerProblem ?? []),
    stop: () => clearInterval(timer),
  };
}
