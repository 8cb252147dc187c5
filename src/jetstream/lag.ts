import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, eventStream } from "../wire/names.ts";
import { type Delivered, deliveredOf, knowsDelivered } from "./delivery-audit.ts";
import { type ConsumerFinding, examineConsumer } from "./lane-consumer.ts";
import { nextOf } from "./leader-reader.ts";
import { majoritySilentMs, SILENT_MS } from "./stream-pulse.ts";

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
  /** The stream's time before the lane was asked about, ms since the epoch; undefined when the server does not tell. */
  readonly streamMs: number | undefined;
}

/** With the server's time, which the client's type leaves out. */
type TimedInfo = StreamInfo & { readonly ts?: string };

/**
 * Asks the server how far each lane is behind. One request a lane and one a stream; one more for an idle lane of a
 * replicated stream.
 *
 * @returns for each lane, in order, its lag or why it is not known.
 */
export async function askLag(jsm: JetStreamManager, lanes: readonly Lane[]): Promise<PromiseSettledResult<LaneLag>[]> {
  const askedAtMs = performance.now();
  const streams = new Map<string, TimedInfo>();
  for (const { stream } of lanes) if (!streams.has(stream)) streams.set(stream, await jsm.streams.info(stream));
  return Promise.allSettled(
    lanes.map(async (lane) => {
      const info = await jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
      if (!knowsDelivered(info)) throw new Error("its consumer has no leader");
      // Each lane's was asked above.
      const { state, config, ts } = streams.get(lane.stream) as TimedInfo;
      const streamMs = Date.parse(ts ?? "");
      const counted = info.num_pending + info.num_ack_pending;
      // A consumer counts what its own server has of a stream with replicas: is there more?
      const isMore =
        counted === 0 && config.num_replicas > 1 && (await nextOf(jsm, lane, info.delivered.stream_seq + 1));
      const lag = isMore ? 1 : counted;
      return {
        lane,
        lag,
        deliveredTo: info.delivered.stream_seq,
        delivered: deliveredOf(info, askedAtMs),
        completeTo: lag === 0 ? state.last_seq : null,
        consumer: examineConsumer(lane, info),
        streamMs: Number.isNaN(streamMs) ? undefined : streamMs,
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

/**
 * Messages of a type that are stored and not yet applied, over all its partitions, whoever reads them.
 *
 * @returns null when it cannot be known: this user may not ask, or NATS is away.
 */
export async function readTotalLag(jsm: JetStreamManager, type: ActorType): Promise<number | null> {
  const stream = eventStream(type);
  try {
    const info = await jsm.streams.info(stream);
    // A leader that has lost its majority shows what was.
    if (majoritySilentMs(info) > SILENT_MS) return null;
    const { config } = info;
    const [, partitions] = /\{\{partition\((\d+),/.exec(config.subject_transform?.dest ?? "") ?? [];
    if (partitions === undefined) return null;
    const lanes = Array.from({ length: Number(partitions) }, (_, partition) => ({ type, stream, partition }));
    return (await measureLag(jsm, lanes)).reduce((sum, { lag }) => sum + lag, 0);
  } catch {
    return null;
  }
}
