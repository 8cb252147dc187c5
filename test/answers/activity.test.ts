import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  addLateness,
  countLateness,
  createActivity,
  createLatenessCounts,
  FLOW_SECONDS,
  latenessPercentile,
  WINDOW_SECONDS,
} from "../../src/answers/activity.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import { deliver } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { order } from "../store/order-book.ts";

const START_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

/** A real batch: two orders, one of them decided and revised, a superseded event, a duplicate, a dead letter. */
function batch(): BatchResult {
  using station = openStation();
  return station.processor.apply([
    orderEvent(1, "a", "PaymentProcessed", { second: 5, status: "failed" }),
    orderEvent(2, "a", "InventoryReserved", 2),
    orderEvent(3, "a", "PaymentProcessed", 9),
    orderEvent(4, "a", "PaymentProcessed", 1),
    orderEvent(5, "a", "PaymentProcessed", 9),
    orderEvent(6, "b", "OrderCreated", 1),
    deliver(7, "orders.b.OrderCreated", "{"),
  ]);
}

describe("the last minutes", () => {
  it("count what each second brought", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    activity.committed(batch(), 1, START_MS + 2000);
    const { seconds } = activity.read(order, START_MS + 3000);
    expect(seconds.events.slice(-4)).toEqual([0, 7, 0, 7]);
    expect(seconds.decisions.slice(-4)).toEqual([0, 2, 0, 2]);
    expect(seconds.revised.slice(-4)).toEqual([0, 1, 0, 1]);
    expect(seconds.deadLetters.slice(-4)).toEqual([0, 1, 0, 1]);
    expect(seconds.events).toHaveLength(WINDOW_SECONDS - 1);
  });

  it("leave the running second out, which is not over yet", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    expect(activity.read(order, START_MS + 999).seconds.events.at(-1)).toBe(0);
    expect(activity.read(order, START_MS + 1000).seconds.events.at(-1)).toBe(7);
  });

  it("forget what is older, also after a pause of hours", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    for (const laterS of [WINDOW_SECONDS, 5 * WINDOW_SECONDS + 17]) {
      const reading = activity.read(order, START_MS + laterS * 1000);
      expect(Math.max(...reading.seconds.events)).toBe(0);
      expect(reading.flow).toEqual([]);
      expect(reading.lateness.map(({ count }) => count)).toEqual([0, 0, 0, 0, 0]);
    }
  });

  it("keep moves for as long as these are shown, however many there are", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const activity = createActivity([order]);
    const nothing = { handled: [], decisions: [], deadLetters: [], completeness: [] };
    const heapOf = (fromS: number, toS: number) => {
      for (let second = fromS; second < toS; second++) {
        const moves = Array.from({ length: 500 }, (_, to) => ({ type: "order", from: "pending", to: `${to}` }));
        activity.committed({ ...nothing, moves }, 1, START_MS + second * 1000);
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = heapOf(0, FLOW_SECONDS + 1);
    expect(heapOf(FLOW_SECONDS + 1, WINDOW_SECONDS) - before).toBeLessThan(5_000_000);
    const { flow } = activity.read(order, START_MS + (WINDOW_SECONDS - 1) * 1000);
    expect(flow.map(({ count }) => count)).toEqual(Array(500).fill(FLOW_SECONDS));
  });

  it("bear a clock that is set back", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    activity.committed(batch(), 1, START_MS - 60_000);
    expect(activity.read(order, START_MS + 1000).seconds.events.at(-1)).toBe(14);
  });

  it("carry the lag on until it is measured again", () => {
    const activity = createActivity([order]);
    activity.recordLag(order, 40, START_MS);
    activity.recordLag(order, 0, START_MS + 5000);
    expect(activity.read(order, START_MS + 7000).seconds.lag.slice(-7)).toEqual([40, 40, 40, 40, 40, 0, 0]);
  });
});

describe("the flow through the machine", () => {
  it("counts new actors and each change of state", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    activity.committed(batch(), 1, START_MS + 20_000);
    const { flow } = activity.read(order, START_MS + 21_000);
    expect(flow).toHaveLength(4);
    expect(flow).toEqual(
      expect.arrayContaining([
        { from: null, to: "pending", count: 4 },
        { from: "pending", to: "payment_failed", count: 2 },
        { from: "payment_failed", to: "confirmed", count: 2 },
        { from: "pending", to: "processing", count: 2 },
      ]),
    );
  });

  it(`is of the last ${FLOW_SECONDS} s`, () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    expect(activity.read(order, START_MS + (FLOW_SECONDS + 1) * 1000).flow).toEqual([]);
  });
});

describe("lateness", () => {
  it("is counted for distinct events, by type", () => {
    const activity = createActivity([order]);
    activity.committed(batch(), 1, START_MS);
    const readings = activity.read(order, START_MS + 1000).lateness;
    expect(Object.fromEntries(readings.map(({ eventType, count }) => [eventType, count]))).toEqual({
      OrderCreated: 1,
      PaymentProcessed: 3,
      InventoryReserved: 1,
      ShippingCalculated: 0,
      LoyaltyPointsUpdated: 0,
    });
    // Stored on 1 March, of 1 February: 28 days.
    const days = (readings[0]?.p50Ms ?? 0) / 86_400_000;
    expect(days).toBeGreaterThan(28 * 0.9);
    expect(days).toBeLessThan(28 * 1.1);
    expect(readings[3]).toEqual({ eventType: "ShippingCalculated", count: 0, p50Ms: null, p99Ms: null });
  });

  it("percentiles are right within 10 %, whatever the size", () => {
    const counts = createLatenessCounts();
    for (let at = 1; at <= 1000; at++) countLateness(counts, at * at);
    expect(latenessPercentile(counts, 0.5) ?? 0).toBeGreaterThan(250_000 * 0.9);
    expect(latenessPercentile(counts, 0.5) ?? 0).toBeLessThan(250_000 * 1.1);
    expect(latenessPercentile(counts, 0.99) ?? 0).toBeGreaterThan(980_000 * 0.9);
    expect(latenessPercentile(counts, 0.99) ?? 0).toBeLessThan(980_000 * 1.1);
  });

  it("early, unreadable and absurd times are counted and harm nothing", () => {
    const counts = createLatenessCounts();
    for (const ms of [-5000, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) countLateness(counts, ms);
    const sum = createLatenessCounts();
    addLateness(sum, counts);
    addLateness(sum, undefined);
    expect(sum.reduce((total, count) => total + count, 0)).toBe(4);
    expect(latenessPercentile(sum, 0.5)).toBe(0);
  });
});
