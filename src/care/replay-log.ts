import { type Delivery, toDelivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import type { Journal } from "../flow/journal.ts";
import { unpark } from "../flow/parked.ts";
import type { Processor } from "../flow/processor.ts";
import { type Log, readStream } from "../jetstream/stream-reader.ts";
import type { StoreReader, StreamReach } from "../store/reader.ts";
import type { Lane } from "../wire/lanes.ts";

/** Told how far a long piece of work is: what is being done, how much of it, and of how much. */
export type OnProgress = (what: string, done: number, total: number) => void;

/**
 * Applies deliveries that no stream holds any more, one by one; the lanes' checkpoints are 0 afterwards, as the stream
 * itself has not been looked at.
 *
 * @param lanes - of one type.
 * @param processor - one without a limit: these events may carry their envelope inside.
 * @returns how many there were.
 */
export function replayAged(
  deliveries: Iterable<Delivery>,
  lanes: readonly Lane[],
  journal: Journal,
  processor: Processor,
): number {
  let count = 0;
  for (const delivery of deliveries) {
    // Sequences of a stream that was replaced do not rise.
    journal.saveCheckpoint(delivery.lane, delivery.sequence - 1);
    processor.apply([delivery]);
    count++;
  }
  if (count > 0) for (const lane of lanes) journal.saveCheckpoint(lane, 0);
  return count;
}

/** Events that only a store has any more. */
export function* agedEvents(reader: StoreReader, lanes: readonly Lane[], reach: StreamReach): Generator<Delivery> {
  for (const event of reader.agedEvents(reach)) {
    const lane = lanes.find(({ holds }) => holds?.(event.actorId)) ?? lanes[event.partition];
    if (lane !== undefined) yield storedDelivery(lane, event.actorId, event);
  }
}

/** Events kept back in quarantine that only a store has any more; to be given after {@link agedEvents}. */
export function* agedParked(reader: StoreReader, lanes: readonly Lane[], reach: StreamReach): Generator<Delivery> {
  for (const row of reader.agedParked(reach)) {
    const lane = lanes.find(({ holds }) => holds?.(row.actorId)) ?? lanes[row.partition];
    if (lane !== undefined) yield unpark(lane, row);
  }
}

export interface StreamReplay {
  readonly log: Log;
  /** Of one stream. */
  readonly lanes: readonly Lane[];
  readonly processor: Processor;
  readonly from: number;
  /** The stream's end when absent. */
  readonly to?: number;
  /** Called once, before anything is applied, with the first sequence the stream really gave: what is older has aged out. */
  readonly onFirst?: (sequence: number) => void;
  /** False: leave it out. */
  readonly accepts?: (delivery: Delivery) => boolean;
  readonly onProgress: OnProgress;
}

/**
 * Applies a stream in one pass over all its lanes, in stream order, up to 1000 messages a commit. Nothing is pinned,
 * acknowledged or published.
 *
 * @returns the sequence it came to.
 */
export async function replayStream({ log, lanes, processor, onProgress, ...range }: StreamReplay): Promise<number> {
  const { from, to = Number.POSITIVE_INFINITY, onFirst, accepts = () => true } = range;
  const stream = lanes[0]?.stream;
  if (stream === undefined) return 0;
  const { state } = await log.jsm.streams.info(stream);
  const end = Math.min(state.last_seq, to);
  let begun = false;
  for await (const messages of readStream(log, stream, { from, to: end })) {
    if (!begun) onFirst?.(messages[0]?.sequence ?? end + 1);
    begun = true;
    const deliveries = messages.flatMap((message) => {
      const partition = Number(message.subject.split(".")[1]);
      const lane = lanes.find((known) => known.partition === partition);
      return lane === undefined ? [] : [toDelivery(lane, message)];
    });
    processor.apply(deliveries.filter(accepts));
    onProgress(`reading ${stream}`, messages.at(-1)?.sequence ?? end, end);
  }
  // Empty, or purged up to where the store has come.
  if (!begun) onFirst?.(Math.max(state.first_seq, from));
  return end;
}
