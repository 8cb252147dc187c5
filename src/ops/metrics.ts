import { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
import type { ActorType } from "../actor/actor-type.ts";
import { hearsTicks, TIME_PASSED } from "../actor/delays.ts";
import { type Handled, isNewFact, type Outcome } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";
import type { LedgerRow } from "../flow/rows.ts";
import { inside } from "../flow/tallies.ts";
import { eventTypeOf } from "../wire/names.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { type GaugeReadings, showGauges } from "./gauges.ts";
import { type Registered, registerMetrics } from "./registered-metrics.ts";

/** What is only logged. */
type NotCounted = "publishFailed" | "reconciled" | "foreign" | "mended" | "taken" | "released";

/** The daemon's metrics, counted from what an observer is told. It costs 1.2 us an event. */
export interface Metrics extends Omit<Required<Observer>, NotCounted> {
  /** Says where gauges come from; `read` is called once per `render`. */
  gauges(read: () => GaugeReadings): void;
  /** Everything in Prometheus' text format, the process's own metrics included. */
  render(): Promise<{ contentType: string; body: string }>;
  /** The same, for `renderAll`. */
  collect(): Promise<MetricObject[]>;
}

/** A metric and its series, fit to be sent to another process. */
export type MetricObject = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

export interface MetricsOptions {
  /** Every type whose deliveries are recorded: their contracts bound the label values. */
  readonly types: readonly ActorType[];
  /** Which of several daemons of a machine this is: a label of every series. */
  readonly daemon?: string | undefined;
}

/** Of what is no dead letter. */
const OUTCOMES = [
  "applied",
  "superseded",
  "reordered",
  "unhandled",
  "held",
  "tick",
  "ignored",
  "duplicate",
  "conflict",
  "parked",
  "skipped",
] as const satisfies readonly Outcome[];

/** What the contract does not know. */
const UNKNOWN = "unknown";

/** Creates a registry of its own, with the process's default metrics and natstate's. */
export function createMetrics({ types, daemon }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (daemon !== undefined) registry.setDefaultLabels({ daemon });
  collectDefaultMetrics({ register: registry });
  const metrics = registerMetrics(registry);
  for (const type of types) showZeros(metrics, type);
  const eventTypes = new Map(types.map((type) => [type.name, new Set(eventTypesOf(type))]));
  const decisionTypes = new Set(types.flatMap((type) => decisionTypesOf(type).map((name) => `${type.name} ${name}`)));
  let read: (() => GaugeReadings) | undefined;

  function countDecision(counter: Registered["decisions"], row: LedgerRow): void {
    // A ledger may hold decision types that the rules of today no longer take.
    const isKnown = decisionTypes.has(`${row.type} ${row.decisionType}`);
    counter.inc({
      actor: row.type,
      decision_type: isKnown ? row.decisionType : UNKNOWN,
      revised: String(row.revision > 1),
    });
  }

  function readAll(): void {
    if (read !== undefined) showGauges(metrics, read());
  }

  return {
    committed(result, commitMs, nowMs) {
      const counts: Counts = new Map();
      for (const handled of result.handled) {
        countHandled(counts, eventTypes, handled);
        timeHandled(metrics, handled, nowMs);
      }
      showCounts(metrics, counts);
      for (const percent of result.completeness) metrics.completeness.observe(percent);
      for (const row of result.decisions) countDecision(metrics.decisions, row);
      for (const { type: actor, reason } of result.deadLetters) metrics.deadLetters.inc({ actor, reason });
      metrics.commit.observe(seconds(commitMs));
      metrics.batch.observe(result.handled.length);
    },
    published(decisions, deadLetters, nowMs) {
      for (const row of decisions) {
        countDecision(metrics.decisionsPublished, row);
        metrics.publishDelay.observe({ actor: row.type, kind: "decision" }, seconds(nowMs - row.causedAtMs));
      }
      for (const { type: actor, reason, storedAtMs } of deadLetters) {
        metrics.deadLettersPublished.inc({ actor, reason });
        metrics.publishDelay.observe({ actor, kind: "dead_letter" }, seconds(nowMs - storedAtMs));
      }
    },
    ticked: (type) => metrics.ticksPublished.inc({ actor: type.name }),
    doubted: (reason) => metrics.doubts.inc({ reason }),
    commitFailed: () => metrics.commitFailures.inc(),
    rebuilt: (type) => metrics.rebuilt.inc({ actor: type.name }),
    scrubbed({ name: actor }, _, differences) {
      metrics.scrubbed.inc({ actor });
      if (differences.length > 0) metrics.drifted.inc({ actor });
    },
    proved({ name: actor }, _, names) {
      if (names.length > 0) metrics.diverged.inc({ actor });
    },
    retired: (type, count) => metrics.retirements.inc({ actor: type.name }, count),
    restored: (type, _, isRestored) => metrics.restorations.inc({ actor: type.name, restored: String(isRestored) }),
    gauges: (from) => {
      read = from;
    },
    async render() {
      readAll();
      return toText(registry);
    },
    async collect() {
      readAll();
      return registry.getMetricsAsJSON();
    },
  };
}

/** The metrics of several daemons, by their label `daemon`, as `render` gives those of one. */
export async function renderAll(
  collected: readonly (readonly MetricObject[])[],
): Promise<{ contentType: string; body: string }> {
  return toText(AggregatorRegistry.aggregate([...collected]));
}

async function toText(registry: Registry): Promise<{ contentType: string; body: string }> {
  const body = await registry.metrics();
  // prom-client 15 writes Nan, which the text format does not know: the event loop's lag between two close scrapes.
  return { contentType: registry.contentType, body: body.replace(/ Nan$/gm, " NaN") };
}

/** What became of a batch's events, by actor type, event type and outcome: a counter finds its series by a text of all labels. */
type Counts = Map<string, Map<string, Map<Outcome, number>>>;

function countHandled(counts: Counts, eventTypes: ReadonlyMap<string, ReadonlySet<string>>, handled: Handled): void {
  const { delivery, observation, outcome } = handled;
  const actor = delivery.lane.type.name;
  const told = observation?.type ?? eventTypeOf(delivery.subject);
  const eventType = eventTypes.get(actor)?.has(told) ? told : UNKNOWN;
  const byOutcome = inside(inside(counts, actor), eventType);
  byOutcome.set(outcome, (byOutcome.get(outcome) ?? 0) + 1);
}

function showCounts({ events, processed }: Registered, counts: Counts): void {
  for (const [actor, byType] of counts) {
    for (const [event_type, byOutcome] of byType) {
      for (const [outcome, count] of byOutcome) {
        if (outcome === "rejected") processed.inc({ event_type, success: "false" }, count);
        else events.inc({ actor, event_type, outcome }, count);
        if (isNewFact(outcome)) processed.inc({ event_type, success: "true" }, count);
      }
    }
  }
}

function timeHandled(metrics: Registered, { delivery, observation, outcome }: Handled, nowMs: number): void {
  if (outcome === "skipped") return;
  const actor = delivery.lane.type.name;
  if (isNewFact(outcome) && observation !== undefined) {
    metrics.lateness.observe({ actor }, seconds(delivery.storedAtMs - Date.parse(observation.timestamp)));
  }
  metrics.commitDelay.observe({ actor }, seconds(nowMs - delivery.storedAtMs));
}

/** A series that starts at 0 lets rate() see its first event. */
function showZeros(metrics: Registered, type: ActorType): void {
  const actor = type.name;
  const { ticksPublished, rebuilt, scrubbed, drifted, diverged, retirements, lateness, commitDelay } = metrics;
  for (const counter of [ticksPublished, rebuilt, scrubbed, drifted, diverged, retirements]) counter.inc({ actor }, 0);
  for (const histogram of [lateness, commitDelay]) histogram.zero({ actor });
  for (const restored of ["true", "false"]) metrics.restorations.inc({ actor, restored }, 0);
  for (const kind of ["decision", "dead_letter"]) metrics.publishDelay.zero({ actor, kind });
  for (const reason of REJECTION_REASONS) {
    for (const counter of [metrics.deadLetters, metrics.deadLettersPublished]) counter.inc({ actor, reason }, 0);
  }
  for (const decision_type of decisionTypesOf(type)) {
    for (const revised of ["false", "true"]) {
      for (const each of [metrics.decisions, metrics.decisionsPublished])
        each.inc({ actor, decision_type, revised }, 0);
    }
  }
  for (const event_type of eventTypesOf(type)) {
    for (const outcome of OUTCOMES) metrics.events.inc({ actor, event_type, outcome }, 0);
    for (const success of ["true", "false"]) metrics.processed.inc({ event_type, success }, 0);
  }
}

function eventTypesOf(type: ActorType): string[] {
  return [...Object.keys(type.events), ...(hearsTicks(type) ? [TIME_PASSED] : []), UNKNOWN];
}

function decisionTypesOf(type: ActorType): string[] {
  return [...new Set([...type.decisionTypes, type.withdrawn])];
}

/** Clocks differ: what they make negative, or no number, is none, and a sum does not fall. */
function seconds(ms: number): number {
  return ms > 0 ? ms / 1000 : 0;
}
