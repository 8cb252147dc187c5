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
  const gauges = Object.entries<MetricDescription>(METRICS)
    .filter(([, { type }]) => type === "gauge")
    .map(([key, { name, help, labels }]) => [
      key,
      new Gauge({ name, help, labelNames: labels, registers: [registry] }),
    ]);
  const show = Object.fromEntries(gauges) as Record<GaugeName, Gauge>;
  return (readings, nowMs) => {
    // Partitions that went to another owner are not to be shown any longer.
    show.lag.reset();
    for (const { type, partition, value } of readings.lag) show.lag.set({ actor: type.name, partition }, value);
    for (const { type, undecidedSinceMs, tickOverdueMs, ...counts } of readings.actors) {
      const labels = { actor: type.name };
      show.undecided.set(labels, secondsSince(undecidedSinceMs, nowMs));
      show.ticksOverdue.set(labels, tickOverdueMs / 1000);
      for (const name of ["quarantined", "retired", "ticksOnTheirWay"] as const) show[name].set(labels, counts[name]);
    }
    show.ready.set(Number(readings.ready));
    show.connected.set(Number(readings.connected));
    show.paused.set(secondsSince(readings.pausedSinceMs, nowMs));
    show.owned.set(readings.owned);
    show.partitions.set(readings.partitions);
    show.hot.set(readings.hot);
    show.backlog.set(readings.backlog);
  };
}

type GaugeName = {
  [Name in keyof typeof METRICS]: (typeof METRICS)[Name]["type"] extends "gauge" ? Name : never;
}[keyof typeof METRICS];

function secondsSince(sinceMs: number | null, nowMs: number): number {
  return sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
}
