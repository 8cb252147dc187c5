import type { StreamInfo } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, it, vi } from "vitest";
import { createStreamPulse, majoritySilentMs } from "../../src/jetstream/stream-pulse.ts";

type Cluster = Pick<StreamInfo, "config" | "cluster">;

/** @param activeMs - of the replicas beside the leader. */
function info(replicas: number, leader: string | undefined, activeMs: readonly (number | "offline")[] = []): Cluster {
  const others = activeMs.map((ms, index) => ({
    ...{ name: `n${index + 2}`, current: true },
    ...(ms === "offline" ? { offline: true, active: 0 } : { active: ms * 1_000_000 }),
  }));
  return { config: { num_replicas: replicas }, cluster: { leader, replicas: others } } as unknown as Cluster;
}

it.each([
  ["one server that is no cluster", { config: { num_replicas: 1 } } as unknown as Cluster, 0],
  ["one replica in a cluster", info(1, "n1"), 0],
  ["three, all there", info(3, "n1", [120, 900]), 120],
  ["three, one gone", info(3, "n1", [60_000, 300]), 300],
  ["three, two gone", info(3, "n1", [4200, 4700]), 4200],
  ["three, two known to be offline", info(3, "n1", ["offline", "offline"]), Number.POSITIVE_INFINITY],
  ["three without a leader", info(3, undefined, [0, 0]), Number.POSITIVE_INFINITY],
  ["five, two gone", info(5, "n1", [9000, 9000, 200, 400]), 400],
  ["five, three gone", info(5, "n1", [9000, 9000, 9000, 400]), 9000],
])("a majority was heard of: %s", (_name, given, silentMs) => {
  expect(majoritySilentMs(given)).toBe(silentMs);
});

/** A pulse on a clock of its own, of streams whose answers are given. */
async function follow(answer: (stream: string, nowMs: number) => Cluster | Error, seconds: number) {
  vi.useFakeTimers();
  let nowMs = 0;
  const pulse = createStreamPulse({
    streams: ["ORDERS", "DECISIONS"],
    now: () => nowMs,
    ask: async (stream) => {
      const given = answer(stream, nowMs);
      if (given instanceof Error) throw given;
      return given as StreamInfo;
    },
  });
  const seen: (string | undefined)[] = [];
  for (let second = 0; second <= seconds; second++) {
    nowMs = second * 1000;
    await vi.advanceTimersByTimeAsync(1000);
    seen.push(pulse.trouble()?.what);
  }
  pulse.stop();
  vi.useRealTimers();
  return seen;
}

const WELL = info(3, "n1", [200, 300]);

it("is in trouble within 5 s of the last answer that a majority stood behind, and well with the next", async () => {
  const seen = await follow((_stream, nowMs) => (nowMs < 3000 || nowMs > 8000 ? WELL : new Error("timeout")), 10);
  expect(seen.slice(0, 5).every((trouble) => trouble === undefined)).toBe(true);
  expect(seen[7]).toMatch(/^JetStream does not answer for ORDERS, DECISIONS \(timeout\)/);
  expect(seen.at(-1)).toBeUndefined();
});

it("an answer of a leader without a majority is none, and one stream in trouble is enough", async () => {
  const alone = (nowMs: number) => info(3, "n1", [nowMs, nowMs]);
  const seen = await follow((stream, nowMs) => (stream === "ORDERS" ? alone(nowMs) : WELL), 6);
  expect(seen[2]).toBeUndefined();
  expect(seen[5]).toMatch(/^JetStream does not answer for ORDERS \(most of its servers are gone\)/);
});

it("a single missed answer is no trouble, nor is a stream that is gone: another check says that", async () => {
  expect(await follow((_, nowMs) => (nowMs === 4000 ? new Error("timeout") : WELL), 8)).toEqual(
    Array(9).fill(undefined),
  );
  const gone = new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });
  expect((await follow(() => gone, 8)).at(-1)).toBeUndefined();
});

it("what was asked on a connection that has gone is not waited for when it is back", async () => {
  let nowMs = 0;
  let lost: (error: Error) => void = () => {};
  let isBack = false;
  const pulse = createStreamPulse({
    streams: ["ORDERS"],
    now: () => nowMs,
    ask: () => (isBack ? Promise.resolve(WELL as StreamInfo) : new Promise((_, reject) => (lost = reject))),
  });
  nowMs = 10_000;
  expect(pulse.trouble()?.silentMs).toBe(10_000);
  isBack = true;
  pulse.askAnew();
  await vi.waitFor(() => expect(pulse.trouble()).toBeUndefined());
  // Its timeout comes later, and says nothing any more.
  lost(new Error("timeout"));
  expect(pulse.trouble()).toBeUndefined();
  pulse.stop();
});
