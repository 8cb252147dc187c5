import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher } from "../flow/batcher.ts";
import { createDeliveryQueue } from "../flow/delivery-queue.ts";
import { createHotActors } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import { createMissingMessages } from "../jetstream/missing-messages.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Parts, Path } from "./parts.ts";
import { openPublishing, type PublishingParts } from "./publishing.ts";

/** Of memory for what waits to be applied, about. */
const MAX_QUEUED_BYTES = 67_108_864;
/** What holds the store for a moment may be a checkpoint of our own. */
const HELD_MS = 50;

/** Joins its stations; nothing comes before lanes are read. */
export function openPath(parts: PublishingParts & Pick<Parts, "onFatal">, stack: AsyncDisposableStack): Path {
  const { config, store, connection, observers, reached, onFatal } = parts;
  const { observer } = observers;
  const { journal, records } = store;
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  const { NATSTATE_HOT_ACTORS: maxActors, NATSTATE_HOT_BYTES: maxHotBytes } = config;
  const actors = createHotActors(journal, maxActors, observer.rebuilt, maxHotBytes);
  const processor = createProcessor(journal, actors, limits, reached);
  const { jsm } = connection.session;
  const queue = createDeliveryQueue(MAX_QUEUED_BYTES);
  const missing = createMissingMessages({ jsm, records, queued: queue.sequencesOf });
  const publishing = openPublishing(parts, { actors, missing, onProgress: () => batcher.resume() }, stack);
  const batcher = createBatcher({
    ...{ processor, queue, hasRoom: publishing.hasRoom, reached },
    limits: { maxDeliveries: config.NATSTATE_BATCH_EVENTS, maxBytes: config.NATSTATE_BATCH_BYTES },
    onCommitted: committed,
    onFailed,
  });
  stack.defer(batcher.stop);

  function committed(result: BatchResult, commitMs: number): void {
    publishing.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    observer.committed(result, commitMs, Date.now());
    batcher.resume();
  }

  function onFailed(error: Error, retryMs: number): void {
    const damage = asDamage(error, store.file);
    const lastsMs = Date.now() - (batcher.pause()?.sinceMs ?? 0);
    const isHeld = error instanceof StoreHeldError && lastsMs < HELD_MS;
    observer.commitFailed({ error, retryMs, isBrief: isHeld || damage !== undefined });
    if (damage !== undefined) onFatal(damage);
  }

  return {
    ...{ actors, processor, missing, publishing, committed },
    room: queue.room,
    arrive: batcher.push,
    queued: queue.size,
    pause: batcher.pause,
    isFree: () => queue.size() === 0 && batcher.pause() === null,
    dropQueued: queue.drop,
    resume(lane) {
      processor.backlog.resume(lane);
      batcher.resume();
    },
    forget(lane) {
      queue.drop(lane);
      actors.evictLane(lane);
      processor.backlog.forget(lane);
      publishing.forget(lane);
    },
    async drain() {
      await batcher.stop();
      await publishing.drain();
    },
  };
}
