import type { BatchResult } from "./batch-result.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import type { Delivery } from "./delivery.ts";
import type { BatchLimits, DeliveryQueue } from "./delivery-queue.ts";
import type { Processor } from "./processor.ts";

/** Why nothing is applied at the moment. */
export interface Pause {
  readonly sinceMs: number;
  readonly error: string;
}

/** Gathers what has arrived and feeds it to the processor in batches. */
export interface Batcher {
  push(delivery: Delivery): void;
  /** There may be room again for what follows. */
  resume(): void;
  pause(): Pause | null;
  /** Applies what is queued, then takes nothing more. Resolves also when the store stays unwritable. */
  stop(): Promise<void>;
}

export interface BatcherOptions {
  readonly processor: Processor;
  /** What has arrived waits here. Whoever forgets some of it tells nobody. */
  readonly queue: DeliveryQueue;
  readonly limits: BatchLimits;
  /** Called after each commit, before the next batch; `commitMs` is the time the whole batch took. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
  /** Called when a commit failed; the batch is tried again after `retryMs`. */
  readonly onFailed: (error: Error, retryMs: number) => void;
  /** False: too much waits to be published, take no more until `resume` is called. */
  readonly hasRoom: () => boolean;
  readonly clock?: Clock;
  readonly reached?: ReachCrashPoint;
}

const RETRY_MS = [100, 250, 500, 1000, 2000, 5000];

/**
 * Batches without waiting: the first delivery schedules a batch for the end of this turn of the event loop, and
 * everything that arrives until then goes with it. So one event at rest is alone in its batch, and under load
 * hundreds share one commit.
 */
export function createBatcher(options: BatcherOptions): Batcher {
  const { processor, queue, hasRoom, clock = SYSTEM_CLOCK, reached = () => {} } = options;
  let scheduled = false;
  let failures = 0;
  let paused: Pause | null = null;
  let cancelRetry: (() => void) | undefined;
  let stopped: Promise<void> | undefined;
  let onIdle: (() => void) | undefined;
  // Who is behind catches up after the next start as well.
  const hasWork = () => queue.size() > 0 || (stopped === undefined && processor.backlog.size() > 0);

  function schedule(): void {
    if (scheduled || cancelRetry !== undefined || !hasWork()) return;
    scheduled = true;
    setImmediate(run);
  }

  function run(): void {
    scheduled = false;
    if (!hasWork()) onIdle?.();
    else if (hasRoom() || stopped !== undefined) applyNext();
  }

  function applyNext(): void {
    const batch = queue.next(options.limits);
    const startedMs = clock.now();
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
    // Who is behind may have had its share and not be done.
    if (result.handled.length > 0) options.onCommitted(result, clock.now() - startedMs);
    if (hasWork()) schedule();
    else onIdle?.();
  }

  function fail(error: Error): void {
    const retryMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 5000;
    paused = { sinceMs: paused?.sinceMs ?? Date.now(), error: error.message };
    options.onFailed(error, retryMs);
    // What is not applied now is not acknowledged, and comes again at the next start.
    if (stopped !== undefined) onIdle?.();
    else tryAgain(retryMs);
  }

  function tryAgain(retryMs: number): void {
    cancelRetry = clock.after(retryMs, () => {
      cancelRetry = undefined;
      schedule();
    });
  }

  function stop(): Promise<void> {
    cancelRetry?.();
    cancelRetry = undefined;
    if (queue.size() === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    onIdle = resolve;
    schedule();
    return promise;
  }

  return {
    push(delivery) {
      if (stopped !== undefined) return;
      queue.push(delivery);
      reached("received");
      schedule();
    },
    resume: schedule,
    pause: () => paused,
    stop: () => (stopped ??= stop()),
  };
}
