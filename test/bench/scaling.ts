import type { DaemonsRun } from "./daemons.ts";
import { median } from "./report.ts";

/** So many daemons: medians over their runs. */
export interface DaemonsSummary extends Omit<DaemonsRun, "runMs"> {
  readonly runs: number;
}

/** So many daemons, computed. */
export interface Scale {
  readonly daemons: number;
  /** What they apply, with a core each. */
  readonly eventsPerSecond: number;
  /** Cores nats-server is busy on for that, of events it has already. */
  readonly serverCores: number;
  /** And when these events are published at the same rate. */
  readonly serverCoresLive: number;
}

/** What nats-server bounds, however many daemons there are: events a second, and the daemons that reach it. */
export interface Bound {
  readonly eventsPerSecond: number;
  readonly daemons: number;
}

/** A bound of nats-server for events it has already, and for events that are published meanwhile. */
export interface ServerBounds {
  /** `disk`: how many messages it stores a second, whatever its cores. */
  readonly by: { readonly cores: number } | "disk";
  readonly catchingUp: Bound;
  readonly live: Bound;
}

export interface Scaling {
  readonly scales: readonly Scale[];
  readonly bounds: readonly ServerBounds[];
  /** What the cores that were measured on allow daemons and nats-server together. */
  readonly thisMachine: Bound;
}

/** One for each partition of an event stream, as it is by default. */
export const MOST_DAEMONS = 16;
const DAEMONS = [1, 2, 3, 4, 6, 8, 12, MOST_DAEMONS];
const SERVER_CORES = [1, 2, 4, 8];
const US = 1_000_000;

/** Medians of each figure over the runs with so many daemons. */
export function summariseDaemons(runs: readonly DaemonsRun[]): DaemonsSummary[] {
  return [...Map.groupBy(runs, ({ daemons }) => daemons)].map(([daemons, own]) => {
    const of = (figure: (run: DaemonsRun) => number) => median(own.map(figure));
    return {
      daemons,
      runs: own.length,
      events: own[0]?.events ?? 0,
      eventsPerSecond: of((run) => run.eventsPerSecond),
      cpuUsPerEvent: of((run) => run.cpuUsPerEvent),
      serverCpuUsPerEvent: of((run) => run.serverCpuUsPerEvent),
      stored: {
        eventsPerSecond: of(({ stored }) => stored.eventsPerSecond),
        serverCpuUsPerEvent: of(({ stored }) => stored.serverCpuUsPerEvent),
      },
      othersPercent: of((run) => run.othersPercent),
      maxRssMib: Array.from({ length: daemons }, (_, rank) => of(({ maxRssMib }) => maxRssMib[rank] ?? 0)),
    };
  });
}

/**
 * What more daemons give with cores enough, from what an event took of those measured: a daemon keeps one core busy, an
 * event costs as much whoever applies it, and nats-server's work spreads over its cores without loss.
 *
 * @param cores - of the machine that was measured on.
 * @param decisionsPerEvent - each is one more message that nats-server stores.
 */
export function computeScaling(measured: DaemonsSummary, cores: number, decisionsPerEvent: number): Scaling {
  const { cpuUsPerEvent, serverCpuUsPerEvent, stored } = measured;
  const liveUsPerEvent = serverCpuUsPerEvent + stored.serverCpuUsPerEvent;
  const ofOne = US / cpuUsPerEvent;
  const bound = (eventsPerSecond: number): Bound => ({ eventsPerSecond, daemons: Math.ceil(eventsPerSecond / ofOne) });
  return {
    scales: DAEMONS.map((daemons) => ({
      daemons,
      eventsPerSecond: daemons * ofOne,
      serverCores: (daemons * serverCpuUsPerEvent) / cpuUsPerEvent,
      serverCoresLive: (daemons * liveUsPerEvent) / cpuUsPerEvent,
    })),
    bounds: [
      ...SERVER_CORES.map((serverCores) => ({
        by: { cores: serverCores },
        catchingUp: bound((serverCores * US) / serverCpuUsPerEvent),
        live: bound((serverCores * US) / liveUsPerEvent),
      })),
      {
        by: "disk",
        catchingUp: bound(stored.eventsPerSecond / decisionsPerEvent),
        live: bound(stored.eventsPerSecond / (1 + decisionsPerEvent)),
      },
    ],
    thisMachine: bound((cores * US) / (cpuUsPerEvent + serverCpuUsPerEvent)),
  };
}
