import type { Lane } from "../wire/lanes.ts";
import type { BatchResult } from "./batch-result.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import type { Delivery } from "./delivery.ts";
import { type BatchLimits, createDeliveryQueue, type Room } from "./delivery-queue.ts";
import type { Processor } from "./processor.ts";

/** Why nothing is applied at the moment. */
export interface Pause {
  readonly sinceMs: number;
  readonly error: string;
}

/** Gathers what has arrived and feeds it to the processor in batches. */
export interface Batcher {
  push(delivery: Delivery): void;
  /** Forgets what is queued of a lane, because it will be delivered anew. */
  drop(lane: Lane): void;
  queued(): number;
  readonly room: Room;
  /** Sequences of what is queued of a stream. */
  queuedOf(stream: string): number[];
  pause(): Pause | null;
  /** Applies what is queued, then takes nothing more. Resolves also when the store stays unwritable. */
  stop(): Promise<void>;
}

export interface BatcherOptions {
  readonly processor: Processor;
  readonly limits: BatchLimits;
  /** Of memory for what is queued, about. */
  readonly maxQueuedBytes?: number;
  /** Called after each commit, before the next batch; `commitMs` is the time the whole batch took. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
  /** Called when a commit failed; the batch is tried again after `retryMs`. */
  readonly onFailed: (error: Error, retryMs: number) => void;
  /** False: too much waits to be published, take no more until `resume` is called. */
  readonly hasRoom: () => boolean;
  readonly reached?: ReachCrashPoint;
}

const MAX_QUEUED_BYTES = 67_108_864;
const RETRY_MS = [100, 250, 500, 1000, 2000, 5000];

/**
 * Batches without waiting: the first delivery schedules a batch for the end of this turn of the event loop, and
 * everything that arrives until then goes with it. So one event at rest is alone in its batch, and under load
 * hundreds share one commit.
 */
export function createBatcher(options: BatcherOptions): Batcher & { resume(): void } {
  const { processor, limits, onCommitted, onFailed, hasRoom, reached = () => {} } = options;
  const queue = createDeliveryQueue(options.maxQueuedBytes ?? MAX_QUEUED_BYTES);
  let scheduled = false;
  let stopping = false;
  let failures = 0;
  let paused: Pause | null = null;
  let retry: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;

  function schedule(): void {
    if (scheduled || retry !== undefined || queue.size() === 0) return;
    scheduled = true;
    setImmediate(run);
  }

  function run(): void {
    scheduled = false;
    if (queue.size() === 0) onIdle?.();
    else if (hasRoom() || stopping) applyNext();
  }

  function applyNext(): void {
    const batch = queue.next(limits);
    const startedMs = performance.now();
    let result: BatchResult;
    try {
      result = processor.apply(batch);
    } catch (error) {
      fail(error as Error);
      return;
    }
    queue.remove(batch.length);
    failures = 0;
    paused = null;
    reached("committed");
    for (const { delivery } of result.handled) delivery.ack();
    reached("acked");
    onCommitted(result, performance.now() - startedMs);
    if (queue.size() === 0) onIdle?.();
    else schedule();
  }

  function fail(error: Error): void {
    const retryMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 5000;
    paused = { sinceMs: paused?.sinceMs ?? Date.now(), error: error.message };
    onFailed(error, retryMs);
    // What is not applied now is not acknowledged, and comes again at the next start.
    if (stopping) {
      onIdle?.();
      return;
    }
    retry = setTimeout(() => {
      retry = undefined;
      schedule();
    }, retryMs);
  }

  return {
    push(delivery) {
      if (stopping) return;
      queue.push(delivery);
      reached("received");
      schedule();
    },
    drop: queue.drop,
    resume: schedule,
    queued: queue.size,
    room: queue.room,
    queuedOf: queue.sequencesOf,
    pause: () => paused,
    stop() {
      stopping = true;
      clearTimeout(retry);
      retry = undefined;
      if (queue.size() === 0) return Promise.resolve();
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      schedule();
      return idle;
    },
  };
}
