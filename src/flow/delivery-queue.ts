import type { Lane } from "../wire/lanes.ts";
import type { Delivery } from "./delivery.ts";

/** Bounds of one batch; whichever is reached first closes it. */
export interface BatchLimits {
  readonly maxDeliveries: number;
  readonly maxBytes: number;
}

/** Where deliveries wait, bounded in bytes. */
export interface Room {
  /** Take no more: it would be kept in memory until it can be applied. */
  isFull(): boolean;
  /** Resolves once half of it is free. */
  whenFree(): Promise<void>;
}

/** What has arrived and is not applied yet, in the order in which it came. */
export interface DeliveryQueue {
  readonly room: Room;
  size(): number;
  push(delivery: Delivery): void;
  /** The next batch. It stays queued until it is removed. */
  next(limits: BatchLimits): readonly Delivery[];
  /** As many as were applied, from the first on. */
  remove(count: number): void;
  drop(lane: Lane): void;
  /** Sequences of what is queued of a stream. */
  sequencesOf(stream: string): number[];
}

/** Of a delivery beside its body and headers. */
const EMPTY_BYTES = 1024;

/** @param maxBytes - of memory, about, until the room is full. */
export function createDeliveryQueue(maxBytes: number): DeliveryQueue {
  let queue: Delivery[] = [];
  let bytes = 0;
  const onFree: (() => void)[] = [];

  function keep(rest: Delivery[], gone: readonly Delivery[]): void {
    queue = rest;
    for (const delivery of gone) bytes -= EMPTY_BYTES + bytesOf(delivery);
    if (bytes > maxBytes / 2) return;
    for (const resolve of onFree.splice(0)) resolve();
  }

  return {
    room: {
      isFull: () => bytes > maxBytes,
      whenFree: () => new Promise((resolve) => void onFree.push(resolve)),
    },
    size: () => queue.length,
    push(delivery) {
      queue.push(delivery);
      bytes += EMPTY_BYTES + bytesOf(delivery);
    },
    next(limits) {
      const count = countOf(queue, limits);
      return count === queue.length ? queue : queue.slice(0, count);
    },
    remove: (count) => keep(count === queue.length ? [] : queue.slice(count), queue.slice(0, count)),
    drop(lane) {
      const [rest, gone] = [queue.filter((one) => one.lane !== lane), queue.filter((one) => one.lane === lane)];
      keep(rest, gone);
    },
    sequencesOf: (stream) => queue.filter(({ lane }) => lane.stream === stream).map(({ sequence }) => sequence),
  };
}

function countOf(queue: readonly Delivery[], limits: BatchLimits): number {
  let bytes = 0;
  let count = 0;
  while (count < queue.length && count < limits.maxDeliveries && bytes < limits.maxBytes) {
    const delivery = queue[count];
    bytes += delivery === undefined ? 0 : bytesOf(delivery);
    count++;
  }
  return count;
}

function bytesOf({ body, headerBytes = 0 }: Delivery): number {
  return body.length + headerBytes;
}
