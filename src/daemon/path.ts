import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher } from "../flow/batcher.ts";
import { createHotActors } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import { createMissingMessages } from "../jetstream/missing-messages.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Parts, Path } from "./parts.ts";
import { openPublishing, type PublishingParts } from "./publishing.ts";

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
  const missing = createMissingMessages({ jsm, records, queued: (stream) => batcher.queuedOf(stream) });
  const publishing = openPublishing(parts, { actors, missing, onProgress: () => batcher.resume() }, stack);
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
      onFatal(damage);
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
