import type { Logger } from "pino";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { watchReadiness } from "../../src/daemon/readiness.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { lanesOf } from "../../src/wire/lanes.ts";

const lanes = lanesOf(orderType as ActorType, 16);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A daemon in which everything is well but what is set. */
function open() {
  const now = {
    connected: true,
    denials: [] as string[],
    topology: [] as string[],
    unread: [] as { lane: Lane; reason: string }[],
    unknown: [] as { lane: Lane; reason: string }[],
    ticks: [] as string[],
  };
  const log: string[] = [];
  const measure = vi.fn(async () => {});
  const lines = (level: string) => (what: { problem: string }, text: string) =>
    log.push(`${level} ${text}: ${what.problem}`);
  const fakes = {
    connection: { session: { nc: { options: {} }, refusal: () => undefined }, isConnected: () => now.connected },
    // None that does not answer.
    streams: { found: [], watch: { troubles: () => now.topology, askAnew() {} } },
    own: { assigned: () => lanes },
    reading: {
      ownership: { troubles: () => now.unread, reading: () => lanes },
      lag: {
        measure,
        byLane: () => new Map(),
        consumerProblems: () => [],
        unknown: () => now.unknown,
        total: () => (now.unknown.length > 0 ? null : 0),
      },
    },
    path: { pause: () => null, publishing: { backlog: () => 0, trouble: () => null } },
    ticking: { troubles: () => now.ticks },
    denials: { troubles: () => now.denials },
    copying: { progress: () => undefined },
    types: [],
    observers: { activity: { recordLag() {} } },
    logger: { warn: lines("warn"), info: lines("info") } as unknown as Logger,
  };
  const readiness = watchReadiness(fakes as unknown as Parameters<typeof watchReadiness>[0]);
  return { now, log, measure, readiness, look: () => vi.advanceTimersByTimeAsync(500) };
}

const of = (reason: string, ...partitions: number[]) =>
  lanes.filter(({ partition }) => partitions.includes(partition)).map((lane) => ({ lane, reason }));

it("a daemon that may not know of others says so once, and is not ready", async () => {
  const { now, log, readiness, look } = open();
  now.denials = ["NATS does not let this user publish natstate.daemons"];
  await look();
  await look();
  expect(log).toEqual([`warn not as it should be, natstate is not ready: ${now.denials[0]}`]);
  expect(readiness.health().checks.partitions).toMatchObject({
    ok: false,
    detail: expect.stringContaining(`${now.denials[0]}`),
  });
});

it("a denied tick is said once, and makes the daemon unready", async () => {
  const { now, log, readiness, look } = open();
  now.ticks = ["NATS does not let this user publish claims.*.TimePassed"];
  await look();
  await look();
  expect(log).toEqual([`warn not as it should be, natstate is not ready: ${now.ticks[0]}`]);
  expect(readiness.health()).toMatchObject({
    ready: false,
    checks: { publisher: { ok: false, detail: expect.stringContaining("publish claims.*.TimePassed") } },
  });
});

it("lanes that cannot be read are said at warn, once, together and with the reason, and so is their end", async () => {
  const { now, log, readiness, look } = open();
  now.unread = of("timeout", 3, 4);
  await look();
  now.unread = of("timeout", 3, 4, 5);
  await look();
  const { ready, checks } = readiness.health();
  expect(ready).toBe(false);
  expect(checks.partitions.detail).toMatch(/^13 of 16 .*; partitions 3, 4, 5 of ORDERS cannot be read: timeout$/);
  now.unread = [];
  await look();
  expect(log).toEqual([
    "warn not as it should be, natstate is not ready: partitions 3, 4 of ORDERS cannot be read: timeout",
    "info no longer so: partitions 3, 4 of ORDERS cannot be read: timeout",
  ]);
  expect(readiness.health().ready).toBe(true);
  readiness.stop();
});

it("a lane whose lag is not known any more is said too, and readiness shows no number", async () => {
  const { now, log, readiness, look } = open();
  now.unknown = of("timeout", 7);
  await look();
  expect(log).toEqual([expect.stringMatching(/partition 7 of ORDERS cannot be asked how much is unread: timeout$/)]);
  expect(readiness.health().checks.lag).toEqual({ ok: false, detail: expect.stringContaining("is not known") });
  readiness.stop();
});

it("what a stream and its lanes have in common is said once; while NATS is away, only that", async () => {
  const { now, log, readiness, look } = open();
  now.topology = ["stream ORDERS is not as configured"];
  now.unread = of("stream ORDERS is not as configured", 0, 1);
  await look();
  expect(log).toHaveLength(1);
  now.connected = false;
  now.unread = of("timeout", 0, 1);
  await look();
  expect(log).toHaveLength(1);
  expect(readiness.reading()).toEqual([]);
  expect(readiness.health().checks.partitions.detail).toMatch(/^0 of 16/);
  readiness.stop();
});

it("what names the lane's own consumer and subject is one cause for all of them, said once", async () => {
  const { now, log, readiness, look } = open();
  const call = (n: number) => `no: $JS.API.CONSUMER.CREATE.ORDERS.orders-${n}.orders.${n}.>`;
  now.unread = [1, 2, 11].flatMap((partition) => of(call(partition), partition));
  await look();
  expect(log).toEqual([expect.stringContaining(`partitions 1, 2, 11 of ORDERS cannot be read: ${call(1)}`)]);
  now.unread = of(call(2), 2);
  await look();
  expect(log).toHaveLength(1);
  readiness.stop();
});

it("a lane that gets nothing though it could is none that is read", async () => {
  const { now, readiness } = open();
  now.unread = of("messages wait and none is delivered", 3);
  expect(readiness.reading()).toHaveLength(15);
  expect(readiness.health().checks.partitions.detail).toMatch(/^15 of 16 .*partition 3 of ORDERS cannot be read/);
  readiness.stop();
});

it("when NATS is back the lag is measured at once, and what is known of before is not said", async () => {
  const { now, log, measure, readiness, look } = open();
  now.connected = false;
  await look();
  now.unknown = of("timeout", 0, 1);
  now.connected = true;
  readiness.askAnew("reconnected");
  await look();
  expect(measure).toHaveBeenCalledTimes(1);
  now.unknown = [];
  for (let looks = 0; looks < 6; looks++) await look();
  expect(measure).toHaveBeenCalledTimes(1);
  expect(log).toEqual([]);
  readiness.stop();
});

it("in what another daemon differs is said once, and shown; it is no fault of this one", async () => {
  const { log, readiness, look } = open();
  readiness.disagree(["the daemon of there, pid 7, has other rules"]);
  readiness.disagree(["the daemon of there, pid 7, has other rules"]);
  await look();
  expect(readiness.health()).toMatchObject({
    ready: true,
    checks: { partitions: { ok: true, detail: expect.stringContaining("; the daemon of there, pid 7, has other") } },
  });
  readiness.disagree([]);
  expect(log).toEqual([
    "warn daemons differ: the daemon of there, pid 7, has other rules",
    "info daemons differ no longer: the daemon of there, pid 7, has other rules",
  ]);
});
