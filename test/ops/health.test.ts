import { describe, expect, test } from "vitest";
import { assessHealth, createHealthCheck, type HealthReadings } from "../../src/ops/health.ts";

const WELL: HealthReadings = {
  connected: true,
  assigned: 16,
  reading: 16,
  pause: null,
  lag: 0,
  backlog: 0,
  nowMs: 1_000_000,
};

describe("readiness", () => {
  test("a daemon that reads, commits and publishes is ready", () => {
    const { ready, checks } = assessHealth(WELL);
    expect(ready).toBe(true);
    expect(Object.keys(checks)).toEqual(["nats", "streams", "partitions", "store", "lag", "publisher"]);
    expect(checks.partitions.detail).toBe("16 of 16 assigned partitions are being read");
  });

  test.each([
    ["nats", { connected: false }, "NATS_URL"],
    ["nats", { connected: false, refusal: "refuses who we are (Authorization Violation)" }, "Authorization Violation"],
    [
      "nats",
      { connected: false, silence: { what: "JetStream does not answer for ORDERS", silentMs: 9000 } },
      "NATS_URL",
    ],
    ["streams", { silence: { what: "JetStream does not answer for ORDERS", silentMs: 12_000 } }, "for 12 s: JetStream"],
    ["lag", { lag: null }, "is not known"],
    ["partitions", { reading: 14 }, "14 of 16"],
    [
      "partitions",
      { laneTroubles: ["consumer orders-3 is paused", "x"] },
      "being read; consumer orders-3 is paused (and 1",
    ],
    ["streams", { streamTroubles: ["stream ORDERS is not as configured"] }, "stream ORDERS is not as configured"],
    ["store", { pause: { sinceMs: WELL.nowMs - 12_400, error: "database or disk is full" } }, "12 s (database or disk"],
    ["lag", { lag: 20_000, lagStalledMs: 31_000 }, "20000 messages are not yet applied, and not fewer for 31 s"],
    [
      "publisher",
      { backlog: 3, publishTrouble: { sinceMs: WELL.nowMs - 10_000, error: "no room" } },
      "for 10 s (no room)",
    ],
    ["publisher", { backlog: 5000, backlogStalledMs: 45_000 }, "DECISIONS and DEAD_LETTERS"],
  ] as const)("trouble with %s alone makes it unready, and the detail says where to look", (name, trouble, said) => {
    const { ready, checks } = assessHealth({ ...WELL, ...trouble });
    expect(ready).toBe(false);
    expect(checks[name].detail).toContain(said);
    const failed = Object.entries(checks).filter(([, check]) => !check.ok);
    expect(failed.map(([failedName]) => failedName)).toEqual([name]);
  });

  test("a daemon without partitions stands by and is ready", () => {
    const { ready, checks } = assessHealth({ ...WELL, assigned: 0, reading: 0 });
    expect(ready).toBe(true);
    expect(checks.partitions.detail).toContain("standing by");
  });

  test("much to catch up with is no fault in itself", () => {
    expect(assessHealth({ ...WELL, lag: 5_000_000, backlog: 9999 }).ready).toBe(true);
  });

  test("what cannot be published for a moment, or is no longer due, is no fault", () => {
    const trouble = (sinceMs: number) => ({ sinceMs, error: "timeout" });
    expect(assessHealth({ ...WELL, backlog: 3, publishTrouble: trouble(WELL.nowMs - 9000) }).ready).toBe(true);
    expect(assessHealth({ ...WELL, publishTrouble: trouble(0) }).ready).toBe(true);
  });

  test("a pause that began after the reading's clock is 0 s old", () => {
    const pause = { sinceMs: WELL.nowMs + 50, error: "SQLITE_BUSY" };
    expect(assessHealth({ ...WELL, pause }).checks.store.detail).toContain("for 0 s");
  });
});

describe("a stall", () => {
  /** Takes a reading every `everyMs` and gives the lag check's verdicts. */
  function verdicts(lags: readonly number[], everyMs = 5000): boolean[] {
    const check = createHealthCheck();
    return lags.map((lag, index) => check({ ...WELL, lag, nowMs: index * everyMs }).checks.lag.ok);
  }

  test("is lag above 10,000 that has not fallen for 30 s", () => {
    expect(verdicts([12_000, 12_000, 12_500, 13_000, 13_000, 14_000, 15_000, 15_000])).toEqual([
      true,
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test("ends with the first reading that is lower", () => {
    expect(verdicts([...Array(7).fill(50_000), 49_999, 60_000]).slice(6)).toEqual([false, true, true]);
  });

  test("is not lag that falls, however high", () => {
    expect(verdicts(Array.from({ length: 50 }, (_, index) => 1_000_000 - index))).not.toContain(false);
  });

  test("is not lag up to 10,000, however long", () => {
    expect(verdicts(Array(50).fill(10_000))).not.toContain(false);
  });

  test("takes six readings, so that rare probes do not see one by chance", () => {
    expect(verdicts([20_000, 21_000, 22_000, 23_000], 60_000)).not.toContain(false);
  });

  test("takes 30 s, so that frequent probes do not see one between two measurements", () => {
    expect(verdicts(Array(29).fill(20_000), 1000)).not.toContain(false);
  });

  test("of the publisher is a backlog above 1,000 that has not fallen for 30 s", () => {
    const check = createHealthCheck();
    const seen = Array.from({ length: 8 }, (_, index) =>
      check({ ...WELL, backlog: 1001 + index, nowMs: index * 5000 }),
    );
    expect(seen.map(({ checks }) => checks.publisher.ok)).toEqual([true, true, true, true, true, true, false, false]);
    expect(seen.at(-1)?.ready).toBe(false);
  });
});
