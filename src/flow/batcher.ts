import type { Lane } from "../wire/lanes.ts";
import type { BatchResult } from "./batch-result.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import type { Delivery } from "./delivery.ts";
import type { Processor } from "./processor.ts";

/** Bounds of one batch; whichever is reached first closes it. */
export interface BatchLimits {
  readonly maxDeliveries: number;
  readonly maxBytes: number;
}

/** Why nothing is applied at the moment. */
export interface Pause {
  readonly sinceMs: number;
  readonly error: string;
}

/** Where deliveries wait, bounded in bytes. */
export interface Room {
  /** Take no more: it would be kept in memory until it can be applied. */
  isFull(): boolean;
  /** Resolves once half of it is free. */
  whenFree(): Promise<void>;
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
/** Of a delivery beside its body and headers. */
const EMPTY_BYTES = 1024;
const RETRY_MS = [100, 250, 500, 1000, 2000, 5000];

/**
 * Batches without waiting: the first delivery schedules a batch for the end of this turn of the event loop, and
 * everything that arrives until then goes with it. So one event at rest is alone in its batch, and under load
 * hundreds share one commit.
 */
export function createBatcher(options: BatcherOptions): Batcher & { resume(): void } {
  const { processor, limits, onCommitted, onFailed, hasRoom, reached = () => {} } = options;
  const { maxQueuedBytes = MAX_QUEUED_BYTES } = options;
  let queue: Delivery[] = [];
  let queuedBytes = 0;
  const onFree: (() => void)[] = [];
  let scheduled = false;
  let stopping = false;
  let failures = 0;
  let paused: Pause | null = null;
  let retry: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;

  function schedule(): void {
    if (scheduled || retry !== undefined || queue.length === 0) return;
    scheduled = true;
    setImmediate(run);
  }

  function run(): void {
    scheduled = false;
    if (queue.length === 0) settle();
    else if (hasRoom() || stopping) applyNext();
  }

  function applyNext(): void {
    const size = batchSize(queue, limits);
    const startedMs = performance.now();
    let result: BatchResult;
    try {
      result = processor.apply(size === queue.length ? queue : queue.slice(0, size));
    } catch (error) {
      fail(error as Error);
      return;
    }
    keep(size === queue.length ? [] : queue.slice(size), queue.slice(0, size));
    failures = 0;
    paused = null;
    reached("committed");
    for (const { delivery } of result.handled) delivery.ack();
    reached("acked");
    onCommitted(result, performance.now() - startedMs);
    if (queue.length === 0) settle();
    else schedule();
  }

  function keep(rest: Delivery[], gone: readonly Delivery[]): void {
    queue = rest;
    for (const delivery of gone) queuedBytes -= EMPTY_BYTES + bytesOf(delivery);
    if (queuedBytes > maxQueuedBytes / 2) return;
    for (const resolve of onFree.splice(0)) resolve();
  }

  function fail(error: Error): void {
    const retryMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 5000;
    paused = { sinceMs: paused?.sinceMs ?? Date.now(), error: error.message };
    onFailed(error, retryMs);
    // What is not applied now is not acknowledged, and comes again at the next start.
    if (stopping) {
      settle();
      return;
    }
    retry = setTimeout(() => {
      retry = undefined;
      schedule();
    }, retryMs);
  }

  function settle(): void {
    onIdle?.();
  }

  return {
    push(delivery) {
      if (stopping) return;
      queue.push(delivery);
      queuedBytes += EMPTY_BYTES + bytesOf(delivery);
      reached("received");
      schedule();
    },
    drop(lane) {
      const [rest, gone] = [queue.filter((one) => one.lane !== lane), queue.filter((one) => one.lane === lane)];
      keep(rest, gone);
    },
    resume: schedule,
    queued: () => queue.length,
    room: {
      isFull: () => queuedBytes > maxQueuedBytes,
      whenFree: () => new Promise((resolve) => void onFree.push(resolve)),
    },
    queuedOf: (stream) => queue.filter(({ lane }) => lane.stream === stream).map(({ sequence }) => sequence),
    pause: () => paused,
    stop() {
      stopping = true;
      clearTimeout(retry);
      retry = undefined;
      if (queue.length === 0) return Promise.resolve();
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      schedule();
      return idle;
    },
  };
}

function batchSize(queue: readonly Delivery[], limits: BatchLimits): number {
  let bytes = 0;
  let size = 0;
  while (size < queue.length && size < limits.maxDeliveries && bytes < limits.maxBytes) {
    const delivery = queue[size];
    bytes += delivery === undefined ? 0 : bytesOf(delivery);
    size++;
  }
  return size;
}

function bytesOf({ body, headerBytes = 0 }: Delivery): number {
  return body.length + headerBytes;
}
