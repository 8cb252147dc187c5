import type { ReachCrashPoint } from "../flow/crash-points.ts";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import { createHotActors } from "../flow/hot-actors.ts";
import type { Journal } from "../flow/journal.ts";
import type { Pieces } from "../flow/pieces.ts";
import { createProcessor } from "../flow/processor.ts";
import { type Log, readStream, type StreamRange } from "../jetstream/stream-reader.ts";
import type { Lane } from "../wire/lanes.ts";

/** Told how far a long piece of work is: what is being done, how much of it, and of how much. */
export type OnProgress = (what: string, done: number, total: number) => void;

export type Derivation = ReturnType<typeof createDerivation>;

export interface DerivationOptions {
  readonly journal: Journal;
  /** Of one type: those that anything is given of. */
  readonly lanes: readonly Lane[];
  /** As the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
  readonly maxBytes: number;
  readonly reached?: ReachCrashPoint | undefined;
}

const HOT_ACTORS = 50_000;

/** Derives into a store, new or throwaway, what the daemon would: by the same processor. Publishes nothing. */
export function createDerivation({ journal, lanes, maxBytes, reached }: DerivationOptions) {
  const actors = createHotActors(journal, HOT_ACTORS, () => {});
  const processor = createProcessor(journal, actors, { maxBytes }, reached);
  // Events that a store has kept are larger than they came: with their envelope inside. None waits: its contract would read it
  // once more, and what comes last would wait for ever.
  const most = Number.POSITIVE_INFINITY;
  const unlimited = createProcessor(journal, actors, { maxBytes: most, maxFolded: most });
  return {
    /**
     * Applies deliveries that no stream holds any more, one by one, before those it still holds. The lanes' checkpoints
     * are 0 afterwards, as the stream itself has not been looked at.
     *
     * @returns how many there were.
     */
    *aged(deliveries: Iterable<Delivery>): Pieces<number> {
      let count = 0;
      for (const delivery of deliveries) {
        // Sequences of a stream that was replaced do not rise.
        journal.saveCheckpoint(delivery.lane, delivery.sequence - 1);
        unlimited.apply([delivery]);
        count++;
        yield;
      }
      if (count > 0) for (const lane of lanes) journal.saveCheckpoint(lane, 0);
      return count;
    },
    /** Applies what a stream holds, in its order, in one commit. */
    held(deliveries: readonly Delivery[]): void {
      processor.apply(deliveries);
      // Nobody else waits for a turn here.
      while (processor.backlog.size() > 0) processor.apply([]);
    },
  };
}

export interface StreamPass extends StreamRange {
  readonly log: Log;
  /** All of the stream's. */
  readonly lanes: readonly Lane[];
  /** Called once, before anything is applied, with the first sequence the stream really gave: what is older has aged out. */
  readonly onFirst?: (sequence: number) => void;
  /** False: leave it out. */
  readonly accepts?: (delivery: Delivery) => boolean;
  readonly onProgress: OnProgress;
}

/**
 * Derives from a stream in one pass over all its lanes, in stream order, up to 1000 messages a commit. Nothing is pinned
 * or acknowledged.
 *
 * @returns the sequence it came to.
 */
export async function deriveStream(derivation: Derivation, pass: StreamPass): Promise<number> {
  const { log, lanes, from = 1, to = Number.POSITIVE_INFINITY, onFirst, accepts = () => true, onProgress } = pass;
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
    derivation.held(deliveries.filter(accepts));
    onProgress(`reading ${stream}`, messages.at(-1)?.sequence ?? end, end);
  }
  // Empty, or purged up to where the store has come.
  if (!begun) onFirst?.(Math.max(state.first_seq, from));
  return end;
}
