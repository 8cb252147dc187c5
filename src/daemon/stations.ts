import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher } from "../flow/batcher.ts";
import { createDeliveryQueue } from "../flow/delivery-queue.ts";
import type { HotActors } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts } from "./parts.ts";
import type { PublishingParts } from "./publishing.ts";

type StationsParts = Pick<PublishingParts & Parts, "config" | "store" | "observers" | "reached" | "onFatal">;

/** Of memory for what waits to be applied, about. */
const MAX_QUEUED_BYTES = 67_108_864;
/** What holds the store for a moment may be a checkpoint of our own. */
const HELD_MS = 50;

interface StationsOptions {
  readonly actors: HotActors;
  readonly hasRoom: () => boolean;
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
}

/** Where deliveries wait, and what they are applied by. */
export function openStations(
  { config, store, observers, reached, onFatal }: StationsParts,
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
