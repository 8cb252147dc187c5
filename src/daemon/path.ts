import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher } from "../flow/batcher.ts";
import { createDeliveryQueue } from "../flow/delivery-queue.ts";
import { createHotActors, type HotActors } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import { createMissingMessages } from "../jetstream/missing-messages.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts, Path } from "./parts.ts";
import { openPublishing, type PublishingParts } from "./publishing.ts";

/** Of memory for what waits to be applied, about. */
const MAX_QUEUED_BYTES = 67_108_864;
/** What holds the store for a moment may be a checkpoint of our own. */
const HELD_MS = 50;

/** Joins its stations; nothing comes before lanes are read. */
export function openPath(parts: PublishingParts & Pick<Parts, "onFatal">, stack: AsyncDisposableStack): Path {
  const { config, store, connection, observers } = parts;
  const { observer } = observers;
  const { journal, records } = store;
  const { NATSTATE_HOT_ACTORS: maxActors, NATSTATE_HOT_BYTES: maxHotBytes } = config;
  const actors = createHotActors(journal, maxActors, observer.rebuilt, maxHotBytes);
  const { jsm } = connection.session;
  const queued = (stream: string) => [own, followed].flatMap(({ queue }) => queue.sequencesOf(stream));
  const missing = createMissingMessages(jsm, records, queued);
  const publishing = openPublishing(parts, { actors, missing, onProgress: () => own.batcher.resume() }, stack);
  const own = openStations(parts, { actors, hasRoom: publishing.hasRoom, onCommitted: committed }, stack);
  // What is followed is its owner's to publish and to tell: nothing else hears of it.
  const followed = openStations(parts, { actors, hasRoom: () => true, onCommitted: followedCommitted }, stack);
  /** Of these something may arrive there. */
  const along = new Set<Lane>();

  function committed(result: BatchResult, commitMs: number): void {
    publishing.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    observer.committed(result, commitMs, Date.now());
    own.batcher.resume();
  }

  function followedCommitted(result: BatchResult): void {
    missing.applied(result);
    followed.batcher.resume();
  }

  return {
    ...{ actors, missing, publishing, committed },
    processor: own.processor,
    room: own.queue.room,
    arrive: own.batcher.push,
    queued: own.queue.size,
    pause: own.batcher.pause,
    isFree: () => own.queue.size() === 0 && own.batcher.pause() === null,
    dropQueued: own.queue.drop,
    resume: own.resume,
    forget(lane) {
      own.forget(lane);
      // A copy takes the place of what it has heard; what is queued is heard on top of that, or known already.
      followed.processor.backlog.forget(lane);
      actors.evictLane(lane);
      publishing.forget(lane);
    },
    followed: {
      processor: followed.processor,
      committed: followedCommitted,
      arrive: followed.batcher.push,
      room: followed.queue.room,
      dropQueued: followed.queue.drop,
      isRead: (lane) => along.has(lane),
      resume(lane) {
        along.add(lane);
        followed.resume(lane);
      },
      forget(lane) {
        along.delete(lane);
        followed.forget(lane);
      },
    },
    async drain() {
      await followed.batcher.stop();
      await own.batcher.stop();
      await publishing.drain();
    },
  };
}

interface StationsOptions {
  readonly actors: HotActors;
  readonly hasRoom: () => boolean;
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
}

/** Where deliveries wait, and what they are applied by. */
function openStations(
  {
    config,
    store,
    observers,
    reached,
    onFatal,
  }: Pick<PublishingParts & Parts, "config" | "store" | "observers" | "reached" | "onFatal">,
  { actors, hasRoom, onCommitted }: StationsOptions,
  stack: AsyncDisposableStack,
) {
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  const processor = createProcessor(store.journal, actors, limits, reached);
  const queue = createDeliveryQueue(MAX_QUEUED_BYTES);
  const batcher = createBatcher({
    ...{ processor, queue, hasRoom, onCommitted, onFailed, reached },
    limits: { maxDeliveries: config.NATSTATE_BATCH_EVENTS, maxBytes: config.NATSTATE_BATCH_BYTES },
  });
  stack.defer(batcher.stop);

  function onFailed(error: Error, retryMs: number): void {
    const damage = asDamage(error, store.file);
    const lastsMs = Date.now() - (batcher.pause()?.sinceMs ?? 0);
    const isHeld = error instanceof StoreHeldError && lastsMs < HELD_MS;
    observers.observer.commitFailed({ error, retryMs, isBrief: isHeld || damage !== undefined });
    if (damage !== undefined) onFatal(damage);
  }

  return {
    ...{ processor, queue, batcher },
    resume(lane: Lane): void {
      processor.backlog.resume(lane);
      batcher.resume();
    },
    forget(lane: Lane): void {
      queue.drop(lane);
      processor.backlog.forget(lane);
    },
  };
}
