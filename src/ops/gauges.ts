import { Gauge, type Registry } from "prom-client";
import type { ActorType } from "../actor/actor-type.ts";
import { METRICS, type MetricDescription } from "./catalogue.ts";

/** What gauges show, read when somebody asks for them. */
export interface GaugeReadings {
  /** Messages not yet applied, by assigned partition. */
  readonly lag: readonly {
    readonly type: Pick<ActorType, "name">;
    readonly partition: number;
    readonly value: number;
  }[];
  /** As `/readyz` says. */
  readonly ready: boolean;
  /** Of each type, this daemon's actors. */
  readonly actors: readonly {
    readonly type: Pick<ActorType, "name">;
    readonly quarantined: number;
    readonly retired: number;
    /** Those that were sent a tick and have not heard it. */
    readonly ticksOnTheirWay: number;
    /** For how long the one that should have heard its tick first has waited, ms. */
    readonly tickOverdueMs: number;
    /** When the one undecided for longest was first heard of, ms since the epoch; null when none is. */
    readonly undecidedSinceMs: number | null;
  }[];
  /** Partitions being read. */
  readonly owned: number;
  /** Partitions there are, whoever reads them. */
  readonly partitions: number;
  /** Actors in memory. */
  readonly hot: number;
  /** Decisions and dead letters not yet published. */
  readonly backlog: number;
  readonly connected: boolean;
  /** Since when nothing can be committed, ms since the epoch; null while all is well. */
  readonly pausedSinceMs: number | null;
}

/**
 * Registers the gauges; until the function returned is called they are 0.
 *
 * @returns shows these readings; `nowMs` in ms since the epoch.
 */
export function createGauges(registry: Registry): (readings: GaugeReadings, nowMs: number) => void {
  const gauge = ({ name, help, labels }: MetricDescription) =>
    new Gauge({ name, help, labelNames: labels, registers: [registry] });
  const ready = gauge(METRICS.ready);
  const undecided = gauge(METRICS.undecided);
  const quarantined = gauge(METRICS.quarantined);
  const retired = gauge(METRICS.retired);
  const ticksOnTheirWay = gauge(METRICS.ticksOnTheirWay);
  const ticksOverdue = gauge(METRICS.ticksOverdue);
  const lag = gauge(METRICS.lag);
  const owned = gauge(METRICS.owned);
  const partitions = gauge(METRICS.partitions);
  const hot = gauge(METRICS.hot);
  const backlog = gauge(METRICS.backlog);
  const connected = gauge(METRICS.connected);
  const paused = gauge(METRICS.paused);
  return (readings, nowMs) => {
    // Partitions that went to another owner are not to be shown any longer.
    lag.reset();
    for (const { type, partition, value } of readings.lag) lag.set({ actor: type.name, partition }, value);
    ready.set(readings.ready ? 1 : 0);
    for (const { type, undecidedSinceMs, ...counts } of readings.actors) {
      undecided.set({ actor: type.name }, secondsSince(undecidedSinceMs, nowMs));
      quarantined.set({ actor: type.name }, counts.quarantined);
      retired.set({ actor: type.name }, counts.retired);
      ticksOnTheirWay.set({ actor: type.name }, counts.ticksOnTheirWay);
      ticksOverdue.set({ actor: type.name }, counts.tickOverdueMs / 1000);
    }
    owned.set(readings.owned);
    partitions.set(readings.partitions);
    hot.set(readings.hot);
    backlog.set(readings.backlog);
    connected.set(readings.connected ? 1 : 0);
    paused.set(secondsSince(readings.pausedSinceMs, nowMs));
  };
}

function secondsSince(sinceMs: number | null, nowMs: number): number {
  return sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
}
