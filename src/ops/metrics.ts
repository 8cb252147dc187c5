import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ActorType } from "../../machines/actor-type.ts";
import {
  type BatchResult,
  type DeadLetterRow,
  type Handled,
  type LedgerRow,
  REJECTION_REASONS,
} from "../flow/ports.ts";
import { METRICS, type MetricDescription } from "./catalogue.ts";
import { type CellCounter, type CounterCell, createCounter, createHistogram, type HistogramCell } from "./cells.ts";

/** What gauges show, read when somebody asks for them. */
export interface GaugeReadings {
  /** Messages not yet applied, by assigned partition. */
  readonly lag: readonly { readonly type: Named; readonly partition: number; readonly value: number }[];
  /** Partitions being read. */
  readonly owned: number;
  /** Actors in memory. */
  readonly hot: number;
  /** Decisions and dead letters not yet published. */
  readonly backlog: number;
  readonly connected: boolean;
  /** Since when nothing can be committed, ms since the epoch; null while all is well. */
  readonly pausedSinceMs: number | null;
}

/** An actor type, as far as metrics need it. */
type Named = Pick<ActorType, "name">;

/** The daemon's metrics. Recording never throws and costs about 0.3 us an event; times are ms since the epoch. */
export interface Metrics {
  /** @param commitMs - how long the batch took. */
  recordBatch(result: BatchResult, commitMs: number, nowMs: number): void;
  recordPublished(decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[], nowMs: number): void;
  /** @param reason - one of a closed set, never text from outside: it becomes a label. */
  recordDoubt(reason: string): void;
  recordCommitFailure(): void;
  recordRebuild(type: Named): void;
  /** Says where gauges come from; `read` is called once per `render`. */
  gauges(read: () => GaugeReadings): void;
  /** Everything in Prometheus' text format, the process's own metrics included. */
  render(): Promise<{ contentType: string; body: string }>;
  /** natstate's own metrics, as `render` shows them. */
  readonly catalogue: readonly MetricDescription[];
}

export interface MetricsOptions {
  /** Every type whose deliveries are recorded: their contracts bound the label values. */
  readonly types: readonly ActorType[];
  /** For the length of a pause; `Date.now` by default. */
  readonly now?: () => number;
}

/** The counters of one event type of one actor type. */
interface EventCells {
  readonly applied: CounterCell;
  readonly superseded: CounterCell;
  readonly duplicate: CounterCell;
  readonly skipped: CounterCell;
  readonly succeeded: CounterCell;
  readonly failed: CounterCell;
}

interface TypeCells {
  /** By event type; `UNKNOWN` is what the contract does not know. */
  readonly events: ReadonlyMap<string, EventCells>;
  readonly lateness: HistogramCell;
  readonly commitDelay: HistogramCell;
}

const UNKNOWN = "unknown";

/** Creates a registry of its own, with the process's default metrics and natstate's. */
export function createMetrics({ types, now = Date.now }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const cells = createCells(registry, types);
  const showGauges = createGauges(registry, now);
  const decisionTypes = new Set(types.flatMap((type) => decisionTypesOf(type).map((name) => `${type.name} ${name}`)));
  let read: (() => GaugeReadings) | undefined;

  function countDecision(counter: CellCounter, row: LedgerRow): void {
    // A ledger may hold decision types that the rules of today no longer take.
    const isKnown = decisionTypes.has(`${row.type} ${row.decisionType}`);
    counter.cell(row.type, isKnown ? row.decisionType : UNKNOWN, String(row.revision > 1)).value++;
  }

  return {
    recordBatch(result, commitMs, nowMs) {
      for (const handled of result.handled) recordHandled(cells.byType, handled, nowMs);
      for (const percent of result.completeness) cells.completeness.observe(percent);
      for (const row of result.decisions) countDecision(cells.decisions, row);
      for (const row of result.deadLetters) cells.deadLetters.cell(row.type, row.reason).value++;
      cells.commit.observe(commitMs / 1000);
      cells.batch.observe(result.handled.length);
    },
    recordPublished(decisions, deadLetters, nowMs) {
      for (const row of decisions) {
        countDecision(cells.decisionsPublished, row);
        cells.publishDelay.cell(row.type, "decision").observe((nowMs - row.causedAtMs) / 1000);
      }
      for (const row of deadLetters) {
        cells.deadLettersPublished.cell(row.type, row.reason).value++;
        cells.publishDelay.cell(row.type, "dead_letter").observe((nowMs - row.storedAtMs) / 1000);
      }
    },
    recordDoubt: (reason) => void cells.doubts.cell(reason).value++,
    recordCommitFailure: () => void cells.commitFailures.cell().value++,
    recordRebuild: (type) => void cells.rebuilt.cell(type.name).value++,
    gauges: (from) => {
      read = from;
    },
    async render() {
      if (read !== undefined) showGauges(read());
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    catalogue: Object.values<MetricDescription>(METRICS).map(({ name, type, help, labels }) => ({
      name,
      type,
      help,
      labels,
    })),
  };
}

function recordHandled(byType: ReadonlyMap<string, TypeCells>, handled: Handled, nowMs: number): void {
  const { delivery, observation, outcome } = handled;
  const type = byType.get(delivery.lane.type.name);
  if (type === undefined) return;
  const event = type.events.get(observation?.type ?? lastToken(delivery.subject)) ?? type.events.get(UNKNOWN);
  if (event === undefined) return;
  switch (outcome) {
    case "applied":
    case "superseded":
      event[outcome].value++;
      event.succeeded.value++;
      if (observation !== undefined) {
        type.lateness.observe((delivery.storedAtMs - Date.parse(observation.timestamp)) / 1000);
      }
      break;
    case "duplicate":
      event.duplicate.value++;
      break;
    case "rejected":
      event.failed.value++;
      break;
    case "skipped":
      event.skipped.value++;
      return;
    default:
      outcome satisfies never;
  }
  type.commitDelay.observe((nowMs - delivery.storedAtMs) / 1000);
}

function createCells(registry: Registry, types: readonly ActorType[]) {
  const events = createCounter(registry, METRICS.events);
  const processed = createCounter(registry, METRICS.processed);
  const completeness = createHistogram(registry, METRICS.completeness).cell();
  const decisions = createCounter(registry, METRICS.decisions);
  const decisionsPublished = createCounter(registry, METRICS.decisionsPublished);
  const deadLetters = createCounter(registry, METRICS.deadLetters);
  const deadLettersPublished = createCounter(registry, METRICS.deadLettersPublished);
  const lateness = createHistogram(registry, METRICS.lateness);
  const commitDelay = createHistogram(registry, METRICS.commitDelay);
  const publishDelay = createHistogram(registry, METRICS.publishDelay);
  const commit = createHistogram(registry, METRICS.commit).cell();
  const batch = createHistogram(registry, METRICS.batch).cell();
  const commitFailures = createCounter(registry, METRICS.commitFailures);
  const doubts = createCounter(registry, METRICS.doubts);
  const rebuilt = createCounter(registry, METRICS.rebuilt);

  const eventCells = (actor: string, eventType: string): EventCells => ({
    applied: events.cell(actor, eventType, "applied"),
    superseded: events.cell(actor, eventType, "superseded"),
    duplicate: events.cell(actor, eventType, "duplicate"),
    skipped: events.cell(actor, eventType, "skipped"),
    succeeded: processed.cell(eventType, "true"),
    failed: processed.cell(eventType, "false"),
  });
  const byType = new Map<string, TypeCells>();
  for (const type of types) {
    const { name } = type;
    byType.set(name, {
      events: new Map([...Object.keys(type.events), UNKNOWN].map((event) => [event, eventCells(name, event)])),
      lateness: lateness.cell(name),
      commitDelay: commitDelay.cell(name),
    });
    // A series that starts at 0 lets rate() see its first event.
    rebuilt.cell(name);
    for (const kind of ["decision", "dead_letter"]) publishDelay.cell(name, kind);
    for (const counter of [deadLetters, deadLettersPublished]) {
      for (const reason of REJECTION_REASONS) counter.cell(name, reason);
    }
    for (const counter of [decisions, decisionsPublished]) {
      for (const decision of decisionTypesOf(type)) {
        for (const revised of ["false", "true"]) counter.cell(name, decision, revised);
      }
    }
  }
  return {
    byType,
    completeness,
    decisions,
    decisionsPublished,
    deadLetters,
    deadLettersPublished,
    publishDelay,
    commit,
    batch,
    commitFailures,
    doubts,
    rebuilt,
  };
}

function createGauges(registry: Registry, now: () => number): (readings: GaugeReadings) => void {
  const gauge = ({ name, help, labels }: MetricDescription) =>
    new Gauge({ name, help, labelNames: labels, registers: [registry] });
  const lag = gauge(METRICS.lag);
  const owned = gauge(METRICS.owned);
  const hot = gauge(METRICS.hot);
  const backlog = gauge(METRICS.backlog);
  const connected = gauge(METRICS.connected);
  const paused = gauge(METRICS.paused);
  return (readings) => {
    // Partitions that went to another owner are not to be shown any longer.
    lag.reset();
    for (const { type, partition, value } of readings.lag) lag.set({ actor: type.name, partition }, value);
    owned.set(readings.owned);
    hot.set(readings.hot);
    backlog.set(readings.backlog);
    connected.set(readings.connected ? 1 : 0);
    paused.set(readings.pausedSinceMs === null ? 0 : Math.max(0, now() - readings.pausedSinceMs) / 1000);
  };
}

function decisionTypesOf(type: ActorType): string[] {
  return [...new Set([...type.decisionTypes, type.withdrawn])];
}

function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}
