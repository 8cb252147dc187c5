import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Log, readStream } from "../../src/jetstream/stream-reader.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Two messages, each large enough to be a batch. */
function streamOfTwo() {
  const told: string[] = [];
  const messageAt = (streamSequence: number) => ({
    ...{ subject: "t", data: new Uint8Array(9_000_000), headers: undefined },
    info: { streamSequence, timestampNanos: 0, pending: 2 - streamSequence },
  });
  const messages = {
    close: async () => void told.push("closed"),
    async *[Symbol.asyncIterator]() {
      yield messageAt(1);
      yield messageAt(2);
    },
  };
  const consumer = { info: async () => ({ num_pending: 2 }), consume: async () => messages };
  const streams = {
    info: async () => ({ config: { num_replicas: 1 }, state: { messages: 2, first_seq: 1, last_seq: 2 } }),
    async getMessage() {
      told.push("leader asked");
      return null;
    },
  };
  const log = { jsm: { streams }, js: { consumers: { get: async () => consumer } } } as unknown as Log;
  return { log, told };
}

it("what whoever reads a stream takes for itself is no silence of the replica, and when it is read no timer is left", async () => {
  const { log, told } = streamOfTwo();
  const reading = readStream(log, "T");
  const next = async () => (await reading.next()).value?.map(({ sequence }: { sequence: number }) => sequence);
  expect(await next()).toEqual([1]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([]);
  expect(await next()).toEqual([2]);
  expect(await next()).toBeUndefined();
  expect(told).toEqual(["closed"]);
  expect(vi.getTimerCount()).toBe(0);
});
