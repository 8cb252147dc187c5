import { describe, expect, test } from "vitest";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { DeadLetterRow, LedgerRow } from "../../src/flow/rows.ts";
import { METRICS } from "../../src/ops/catalogue.ts";
import type { GaugeReadings } from "../../src/ops/gauges.ts";
import { createMetrics } from "../../src/ops/metrics.ts";
import { encodeTick } from "../../src/wire/tick.ts";
import { deliver } from "../flow/delivery.ts";
import { waitingLane } from "../flow/waiting-type.ts";
import { type Family, keyOf, parseExposition, sampleOf } from "./exposition.ts";
import {
  afterBatch,
  COMMITTED_AT_MS,
  LANE,
  newMetrics,
  PUBLISHED_AT_MS,
  paid,
  reserved,
  scrape,
} from "./order-metrics.ts";
import { openPath, orderMessage } from "./order-path.ts";

const NOTHING = { eventId: "e", correlationId: null, traceparent: null, data: {} };

test("ticks are counted as such, those before their time as ignored", async () => {
  const lane = waitingLane();
  const metrics = createMetrics({ types: [lane.type] });
  const delivery = deliver(1, "claims.c-1.TimePassed", encodeTick(lane.type, "c-1", "2026-01-01T00:00:00.000Z"), {
    lane,
  });
  const observation = { ...NOTHING, actorId: "c-1", type: "TimePassed", timestamp: "2026-01-01T00:00:00.000Z" };
  const handled = (["tick", "tick", "ignored"] as const).map((outcome) => ({ delivery, observation, outcome }));
  const result = { handled, decisions: [], deadLetters: [], completeness: [], moves: [] };
  metrics.committed(result, 1, COMMITTED_AT_MS);
  const families = await scrape(metrics);
  const count = (event_type: string, outcome: string) =>
    sampleOf(families, "natstate_events_total", { actor: "claim", event_type, outcome });
  expect([count("TimePassed", "tick"), count("TimePassed", "ignored"), count("unknown", "tick")]).toEqual([2, 1, 0]);
  expect(sampleOf(families, "natstate_event_lateness_seconds_count", { actor: "claim" })).toBe(0);
});

test("events of one type are counted each, also where a batch makes the same of them", async () => {
  const { families } = await afterBatch(
    paid("o1", "p1", 10),
    paid("o2", "p1", 10),
    { ...paid("o1", "p2", 11), amount: "much" },
    { ...paid("o2", "p2", 11), amount: "much" },
    paid("o3", "p1", 10),
  );
  const payment = { event_type: "PaymentProcessed" };
  const events = sampleOf(families, "natstate_events_total", { actor: "order", ...payment, outcome: "applied" });
  const processed = (success: string) => sampleOf(families, "natstate_events_processed_total", { ...payment, success });
  expect([events, processed("true"), processed("false")]).toEqual([3, 3, 2]);
});

describe("events", () => {
  test("are counted by type and by what became of them", async () => {
    const { families } = await afterBatch(
      paid("o1", "p1", 10),
      paid("o1", "p1", 10),
      paid("o1", "p0", 5),
      reserved("o1", "i1", 11),
    );
    const count = (event_type: string, outcome: string) =>
      sampleOf(families, "natstate_events_total", { actor: "order", event_type, outcome });
    expect(count("PaymentProcessed", "applied")).toBe(1);
    expect(count("PaymentProcessed", "duplicate")).toBe(1);
    expect(count("PaymentProcessed", "superseded")).toBe(1);
    expect(count("InventoryReserved", "applied")).toBe(1);
    expect(count("OrderCreated", "applied")).toBe(0);
  });

  test("count as skipped when they were committed before, and as nothing else", async () => {
    using path = openPath();
    const metrics = newMetrics();
    path.apply(paid("o1", "p1", 10), "no event");
    metrics.committed(path.repeat(), 1, COMMITTED_AT_MS);
    const families = await scrape(metrics);
    const skipped = (event_type: string) =>
      sampleOf(families, "natstate_events_total", { actor: "order", event_type, outcome: "skipped" });
    expect([skipped("PaymentProcessed"), skipped("OrderCreated")]).toEqual([1, 1]);
    expect(sampleOf(families, "natstate_commit_delay_seconds_count", { actor: "order" })).toBe(0);
    expect(
      sampleOf(families, "natstate_events_processed_total", { event_type: "PaymentProcessed", success: "true" }),
    ).toBe(0);
  });

  test("are processed with success when they enter the history, without when they are dead-lettered", async () => {
    const { families } = await afterBatch(
      paid("o1", "p1", 10),
      paid("o1", "p1", 10),
      { ...paid("o1", "p2", 11), amount: "much" },
      orderMessage("o1", "NobodyKnows", "x1"),
    );
    const count = (event_type: string, success: string) =>
      sampleOf(families, "natstate_events_processed_total", { event_type, success });
    expect(count("PaymentProcessed", "true")).toBe(1);
    expect(count("PaymentProcessed", "false")).toBe(1);
    expect(count("unknown", "false")).toBe(1);
  });

  test("that can never succeed are counted by reason", async () => {
    const { families } = await afterBatch(
      "{",
      orderMessage("o1", "NobodyKnows", "x1"),
      orderMessage("o1", "xstate.stop", "x"),
    );
    const count = (reason: string) => sampleOf(families, "natstate_dead_letters_total", { actor: "order", reason });
    expect([count("malformed_json"), count("unknown_event_type"), count("machine_error")]).toEqual([1, 1, 0]);
  });

  test("of any type, id or subject a publisher thinks of add no time series", async () => {
    const { metrics, families } = await afterBatch(
      ...Array.from({ length: 300 }, (_, index) => orderMessage(`o${index}`, `Made"Up\\${index}`, `e${index}`)),
      ...Array.from({ length: 300 }, (_, index) => paid(`o${index}`, `p${index}`, 10)),
    );
    const before = await scrape(newMetrics());
    const keys = (shown: Map<string, Family>) =>
      [...shown].filter(([name]) => name.startsWith("natstate_")).flatMap(([, family]) => family.samples.map(keyOf));
    expect(keys(families)).toEqual(keys(before));
    expect((await metrics.render()).body).not.toContain("Made");
  });
});

describe("decisions", () => {
  test("are counted when recorded and again when published, first ones and revisions apart", async () => {
    const { metrics, result } = await afterBatch(
      paid("o1", "p1", 10),
      reserved("o1", "i1", 11),
      paid("o1", "p2", 12, "failed"),
      paid("o1", "p3", 13, "pending"),
      paid("o2", "p1", 10, "failed"),
      reserved("o2", "i1", 11),
    );
    metrics.published(result.decisions.slice(0, 1), [], PUBLISHED_AT_MS);
    const families = await scrape(metrics);
    const count = (name: string, decision_type: string, revised: string) =>
      sampleOf(families, name, { actor: "order", decision_type, revised });
    expect(count("natstate_decisions_total", "OrderConfirmed", "false")).toBe(1);
    expect(count("natstate_decisions_total", "OrderRejected", "true")).toBe(1);
    expect(count("natstate_decisions_total", "OrderDecisionWithdrawn", "true")).toBe(1);
    expect(count("natstate_decisions_total", "OrderRejected", "false")).toBe(1);
    expect(count("natstate_decisions_published_total", "OrderConfirmed", "false")).toBe(1);
    expect(count("natstate_decisions_published_total", "OrderRejected", "true")).toBe(0);
  });

  test("of a type that the rules no longer know are counted as unknown", async () => {
    const metrics = newMetrics();
    const row = { type: "order", decisionType: "OrderPondered", revision: 1, causedAtMs: 0 } as LedgerRow;
    metrics.published([row, row], [], 1);
    const labels = { actor: "order", decision_type: "unknown", revised: "false" };
    expect(sampleOf(await scrape(metrics), "natstate_decisions_published_total", labels)).toBe(2);
  });
});

describe("gauges", () => {
  const none: GaugeReadings = {
    ...{ ready: 1, connected: 1, paused: 0, owned: 0, partitions: 16, hot: 0, backlog: 0, lag: [] },
    ...{ undecided: [], quarantined: [], retired: [], ticksOnTheirWay: [], ticksOverdue: [] },
  };

  test("are read once per scrape and never in between", async () => {
    const metrics = newMetrics();
    let reads = 0;
    metrics.gauges(() => {
      reads++;
      return { ...none, owned: 16, hot: 7, backlog: 3 };
    });
    metrics.commitFailed({ error: new Error(), retryMs: 1, isBrief: false });
    expect(reads).toBe(0);
    const families = await scrape(metrics);
    expect(reads).toBe(1);
    const values = [
      "partitions_owned",
      "partitions",
      "hot_actors",
      "publish_backlog",
      "nats_connected",
      "paused_seconds",
    ];
    expect(values.map((name) => sampleOf(families, `natstate_${name}`))).toEqual([16, 16, 7, 3, 1, 0]);
  });

  test("show no lag of a partition that went to another owner", async () => {
    const metrics = newMetrics();
    let lag: GaugeReadings["lag"] = [
      [{ actor: "order", partition: 0 }, 5],
      [{ actor: "order", partition: 3 }, 0],
    ];
    metrics.gauges(() => ({ ...none, lag }));
    const partitions = async () =>
      (await scrape(metrics))
        .get("natstate_partition_lag_messages")
        ?.samples.map(({ labels, value }) => [labels, value]);
    expect(await partitions()).toEqual([
      [{ actor: "order", partition: "0" }, 5],
      [{ actor: "order", partition: "3" }, 0],
    ]);
    lag = [[{ actor: "order", partition: 3 }, 9]];
    expect(await partitions()).toEqual([[{ actor: "order", partition: "3" }, 9]]);
  });
});

describe("what is shown", () => {
  test("counts what happened to the daemon itself", async () => {
    const metrics = newMetrics();
    metrics.doubted("gap", LANE, undefined);
    metrics.doubted("gap", LANE, undefined);
    metrics.doubted("connection", LANE, undefined);
    metrics.commitFailed({ error: new Error(), retryMs: 1, isBrief: false });
    metrics.rebuilt({ name: "order" }, "o1");
    metrics.retired({ name: "order" }, 7, 1);
    metrics.ticked({ name: "order" });
    metrics.restored({ name: "order" }, { actorId: "o1", events: 1, revision: 1 }, true);
    const families = await scrape(metrics);
    expect(sampleOf(families, "natstate_lane_doubts_total", { reason: "gap" })).toBe(2);
    expect(sampleOf(families, "natstate_lane_doubts_total", { reason: "connection" })).toBe(1);
    expect(sampleOf(families, "natstate_commit_failures_total")).toBe(1);
    expect(sampleOf(families, "natstate_actors_rebuilt_total", { actor: "order" })).toBe(1);
    expect(sampleOf(families, "natstate_retirements_total", { actor: "order" })).toBe(7);
    expect(sampleOf(families, "natstate_ticks_published_total", { actor: "order" })).toBe(1);
    expect(sampleOf(families, "natstate_restorations_total", { actor: "order", restored: "true" })).toBe(1);
    expect(sampleOf(families, "natstate_restorations_total", { actor: "order", restored: "false" })).toBe(0);
  });

  test("is the catalogue: every name, type, help and label of it, and nothing else", async () => {
    const { metrics, result } = await afterBatch(paid("o1", "p1", 10, "failed"), reserved("o1", "i1", 11), "{");
    metrics.published(result.decisions, result.deadLetters, PUBLISHED_AT_MS);
    metrics.doubted("gap", LANE, undefined);
    const own = [[{ actor: "order" }, 0]] as const;
    metrics.gauges(() => ({
      ...{ ready: 1, connected: 1, paused: 0, owned: 1, partitions: 16, hot: 1, backlog: 1 },
      ...{ undecided: own, quarantined: own, retired: own, ticksOnTheirWay: own, ticksOverdue: own },
      lag: [[{ actor: "order", partition: 0 }, 1]],
    }));
    const shown = [...(await scrape(metrics))]
      .filter(([name]) => name.startsWith("natstate_"))
      .map(([name, { type, help, samples }]) => ({
        name,
        type,
        help,
        labels: [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))].filter((label) => label !== "le"),
      }));
    expect(Object.values(METRICS)).toMatchObject(shown);
  });

  test("includes the process itself, in Prometheus' own content type", async () => {
    const { contentType, body } = await newMetrics().render();
    expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    const families = parseExposition(body);
    for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "nodejs_eventloop_lag_seconds"]) {
      expect(families.has(name)).toBe(true);
    }
  });

  test("stays the same when it is looked at twice", async () => {
    const { metrics, families } = await afterBatch(paid("o1", "p1", 10));
    const own = (shown: Map<string, Family>) => [...shown].filter(([name]) => name.startsWith("natstate_"));
    expect(own(await scrape(metrics))).toEqual(own(families));
  });

  test("is not shared between two daemons in one process", async () => {
    const { families } = await afterBatch(paid("o1", "p1", 10));
    const other = await scrape(newMetrics());
    expect(sampleOf(families, "natstate_batch_deliveries_count")).toBe(1);
    expect(sampleOf(other, "natstate_batch_deliveries_count")).toBe(0);
  });

  test("takes rows of an actor type nobody registered without failing", async () => {
    const metrics = createMetrics({ types: [] });
    using path = openPath();
    const result: BatchResult = path.apply(paid("o1", "p1", 10), reserved("o1", "i1", 11), "{");
    metrics.committed(result, 1, COMMITTED_AT_MS);
    metrics.published(result.decisions, result.deadLetters satisfies readonly DeadLetterRow[], PUBLISHED_AT_MS);
    expect(sampleOf(await scrape(metrics), "natstate_batch_deliveries_sum")).toBe(3);
  });
});
