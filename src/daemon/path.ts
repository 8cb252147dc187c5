import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher, type Pause } from "../flow/batcher.ts";
import type { Delivery } from "../flow/delivery.ts";
import type { Room } from "../flow/delivery-queue.ts";
import { createHotActors, type HotActors } from "../flow/hot-actors.ts";
import { createProcessor, type Processor } from "../flow/processor.ts";
import { createMissingMessages, type MissingMessages } from "../jetstream/missing-messages.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Lane } from "../wire/lanes.ts";
import { openPublishing, type Publishing, type PublishingOptions } from "./publishing.ts";

/** The path of events in this process: from a delivery to what is published. Read `flow/processor.ts` for its middle. */
export interface Path {
  readonly actors: HotActors;
  readonly processor: Processor;
  readonly missing: MissingMessages;
  readonly publishing: Publishing;
  readonly room: Room;
  arrive(delivery: Delivery): void;
  /** As after any other batch. @param commitMs - the time it took. */
  committed(result: BatchResult, commitMs: number): void;
  /** Forgets what is queued of a lane: it will be delivered anew. */
  dropQueued(lane: Lane): void;
  /** Forgets all that is in memory of a lane that is no longer ours. */
  forget(lane: Lane): void;
  queued(): number;
  pause(): Pause | null;
  /** Can the store be written, and does no event wait for it at the moment? */
  isFree(): boolean;
  /** Applies what has arrived and publishes what is due, then takes nothing more. */
  drain(): Promise<void>;
}

export interface PathOptions extends PublishingOptions {
  /** The store is damaged. */
  readonly onFatal: (error: Error) => void;
}

/** What holds the store for a moment may be a checkpoint of our own. */
const HELD_MS = 50;

/** Joins its stations; nothing comes before lanes are read. */
export function openPath(options: PathOptions, stack: AsyncDisposableStack): Path {
  const { config, store, connection, observer, reached } = options;
  const { journal, records } = store;
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  const { NATSTATE_HOT_ACTORS: maxActors, NATSTATE_HOT_BYTES: maxHotBytes } = config;
  const actors = createHotActors(journal, maxActors, observer.rebuilt, maxHotBytes);
  const processor = createProcessor(journal, actors, limits, reached);
  const { jsm } = connection.session;
  const missing = createMissingMessages({ jsm, records, queued: (stream) => batcher.queuedOf(stream) });
  const publishing = openPublishing(options, { actors, missing, onProgress: () => batcher.resume() }, stack);
  const batcher = createBatcher({
    ...{ processor, hasRoom: publishing.hasRoom, reached },
    limits: { maxDeliveries: config.NATSTATE_BATCH_EVENTS, maxBytes: config.NATSTATE_BATCH_BYTES },
    onCommitted: committed,
    onFailed,
  });
  stack.defer(batcher.stop);

  function committed(result: BatchResult, commitMs: number): void {
    publishing.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    observer.committed(result, commitMs, Date.now());
  }

  function onFailed(error: Error, retryMs: number): void {
    const damage = asDamage(error, store.file);
    if (damage !== undefined) {
      options.onFatal(damage);
      return;
    }
    const lastsMs = Date.now() - (batcher.pause()?.sinceMs ?? 0);
    observer.commitFailed({ error, retryMs, isBrief: error instanceof StoreHeldError && lastsMs < HELD_MS });
  }

  return {
    ...{ actors, processor, missing, publishing, committed },
    room: batcher.room,
    arrive: batcher.push,
    queued: batcher.queued,
    pause: batcher.pause,
    isFree: () => batcher.queued() === 0 && batcher.pause() === null,
    dropQueued: batcher.drop,
    forget(lane) {
      batcher.drop(lane);
      actors.evictLane(lane);
      publishing.forget(lane);
    },
    async drain() {
      await batcher.stop();
      await publishing.drain();
    },
  };
}
