import type { StreamInfo } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, it, vi } from "vitest";
import { createStreamPulse, majoritySilentMs } from "../../src/jetstream/stream-pulse.ts";

type Cluster = Pick<StreamInfo, "config" | "cluster">;

/** @param activeMs - of the replicas beside the leader. */
function info(
  replicas: number,
  leader: string | undefined,
  activeMs: readonly (number | "offline" | "unheard")[] = [],
): Cluster {
  const others = activeMs.map((ms, index) => ({
    ...{ name: `n${index + 2}`, current: ms !== "unheard", offline: ms === "offline" },
    active: typeof ms === "number" ? ms * 1_000_000 : 0,
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
  ["three, one not heard of since its former leader went, one going", info(3, "n1", ["unheard", 4300]), 4300],
  ["three, heard of at this very moment", info(3, "n1", [0, 0]), 0],
  ["three without a leader", info(3, undefined, [0, 0]), Number.POSITIVE_INFINITY],
  ["five, two gone", info(5, "n1", [9000, 9000, 200, 400]), 400],
  ["five, three gone", info(5, "n1", [9000, 9000, 9000, 400]), 9000],
])("a majority was heard of: %s", (_name, given, silentMs) => {
  expect(majoritySilentMs(given)).toBe(silentMs);
});

/** A pulse of streams whose answers are given, from 0 ms. */
function open(answer: (stream: string, nowMs: number) => Cluster | Error | Promise<never>) {
  vi.useFakeTimers();
  const changed: string[] = [];
  let nowMs = 0;
  const pulse = createStreamPulse({
    streams: ["ORDERS", "DECISIONS"],
    now: () => nowMs,
    ask: async (stream) => {
      const given = await answer(stream, nowMs);
      if (given instanceof Error) throw given;
      return given as StreamInfo;
    },
    onLeaderChanged: (stream) => changed.push(stream),
  });
  return {
    pulse,
    changed,
    /** @param aloneMs - of them, this process did nothing. */
    async goOn(ms: number, aloneMs = 0) {
      nowMs += aloneMs;
      for (let gone = 0; gone < ms; gone += 100) {
        nowMs += 100;
        await vi.advanceTimersByTimeAsync(100);
      }
    },
    end() {
      pulse.stop();
      vi.useRealTimers();
    },
  };
}

/** What was seen each second. */
async function follow(answer: (stream: string, nowMs: number) => Cluster | Error | Promise<never>, seconds: number) {
  const { pulse, goOn, end } = open(answer);
  const seen: (string | undefined)[] = [];
  for (let second = 0; second <= seconds; second++) {
    await goOn(1000);
    seen.push(pulse.trouble()?.what);
  }
  end();
  return seen;
}

/** An answer that is lost, as the client says after a while. */
const lost = () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error("timeout")), 4000));

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

it("a lost answer to one question, waited for as long as may be, is no trouble", async () => {
  const late = info(3, "n1", [1000, 1000]);
  expect(await follow((_, nowMs) => (nowMs === 4000 ? lost() : late), 10)).toEqual(Array(11).fill(undefined));
});

it("servers that say nothing for 3 s are no trouble; after 5 s they are, and it is not said that they are gone", async () => {
  const { pulse, goOn, end } = open((_, nowMs) => (nowMs > 3000 ? lost() : info(3, "n1", [900, 900])));
  await goOn(6000);
  expect(pulse.trouble()).toBeUndefined();
  await goOn(2000);
  expect(pulse.trouble()?.what).toMatch(/^JetStream does not answer for ORDERS, DECISIONS \((no answer|timeout)\)/);
  end();
});

it("a process that was stopped itself blames nobody until it has asked again", async () => {
  const { pulse, goOn, end } = open(() => WELL);
  await goOn(3000);
  await goOn(0, 5000);
  expect(pulse.isSettling()).toBe(true);
  expect(pulse.trouble()).toBeUndefined();
  await goOn(3000);
  expect(pulse.isSettling()).toBe(false);
  expect(pulse.trouble()).toBeUndefined();
  end();
});

it("after a reconnection what was asked before means nothing, and all are asked at once", async () => {
  let isUp = false;
  const asked: number[] = [];
  const { pulse, goOn, end } = open((_, nowMs) => {
    asked.push(nowMs);
    return isUp ? WELL : lost();
  });
  await goOn(9500);
  expect(pulse.trouble()).toBeDefined();
  isUp = true;
  pulse.askAnew();
  expect(asked.at(-1)).toBe(9500);
  for (let ms = 0; ms < 6000; ms += 100) {
    expect(pulse.trouble()).toBeUndefined();
    await goOn(100);
  }
  isUp = false;
  await goOn(1000);
  pulse.askAnew();
  await goOn(5000);
  expect(pulse.trouble()).toBeDefined();
  end();
});

it("tells that a stream has another leader than before, once, and nothing while there is none", async () => {
  const leaders = ["n1", "n1", undefined, "n2", "n2", "n3"];
  const opened = open((stream, nowMs) =>
    info(3, stream === "ORDERS" ? leaders[Math.floor(nowMs / 1000)] : "n1", [0, 0]),
  );
  await opened.goOn(5500);
  opened.end();
  expect(opened.changed).toEqual(["ORDERS", "ORDERS"]);
});
