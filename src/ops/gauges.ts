import type { ActorType } from "../actor/actor-type.ts";
import type { Registered } from "./registered-metrics.ts";

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

/** Sets the gauges to these readings; until then they are 0. @param nowMs - since the epoch. */
export function showGauges(show: Registered, readings: GaugeReadings, nowMs: number): void {
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
}

function secondsSince(sinceMs: number | null, nowMs: number): number {
  return sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
}
