import type { Facts } from "../facts.ts";
import { whole } from "./report.ts";
import { type Bound, computeScaling, type DaemonsSummary, MOST_DAEMONS, type ServerBounds } from "./scaling.ts";
import { EVENTS_PER_ORDER } from "./workload.ts";

/** What `npm run bench -- --daemons` writes. */
export interface DaemonsReport extends Facts {
  readonly cores: number;
  readonly summaries: readonly DaemonsSummary[];
}

/** A paragraph, or a table with its head. */
export type Piece = string | readonly (readonly string[])[];

/** The report as people read it, on the terminal and in docs/sizing.md. */
export function daemonsPieces({ cores, summaries }: DaemonsReport): Piece[] {
  const [fewest, ...more] = summaries.toSorted((a, b) => a.daemons - b.daemons);
  if (fewest === undefined) return [];
  const { scales, bounds, thisMachine } = computeScaling(fewest, cores, 1 / EVENTS_PER_ORDER);
  const sharing = more.map(({ daemons, cpuUsPerEvent }) => `${whole(cpuUsPerEvent)} µs with ${daemons}`).join(", ");
  return [
    measuredTable(summaries),
    `These ${cores} cores have to do for the daemons and nats-server: by what an event costs ${rate(thisMachine)} at most, however many daemons there are. More than ${thisMachine.daemons} gain nothing here.`,
    `Computed from what an event costs with ${count(fewest)}, each daemon with a core of its own, for events that are stored already and for such as are published at the same time:`,
    [
      ["daemons", "they apply, events/s", "nats-server's cores for it", "with storing the events"],
      ...scales.map((one) => [
        String(one.daemons),
        whole(one.eventsPerSecond),
        one.serverCores.toFixed(1),
        one.serverCoresLive.toFixed(1),
      ]),
    ],
    "From so many daemons on the one nats-server is the limit:",
    [
      ["nats-server has", "catching up", "from daemons", "as events are published", "from daemons"],
      ...bounds.map(({ by, catchingUp, live }) => [
        resource(by),
        ...[rate(catchingUp), reachedBy(catchingUp)],
        ...[rate(live), reachedBy(live)],
      ]),
    ],
    `Assumed: a daemon keeps one core busy; an event costs as much whoever applies it (measured: ${whole(fewest.cpuUsPerEvent)} µs with ${count(fewest)}${sharing && `, ${sharing}`}, on cores that they had to share); nats-server's work spreads over its cores without loss, which is more than the one lock of a stream allows; the disk stores ${whole(fewest.stored.eventsPerSecond)} messages/s in all, as measured for events from one publisher, and each decision (one for ${EVENTS_PER_ORDER} events) is one more.`,
  ];
}

function measuredTable(summaries: readonly DaemonsSummary[]): string[][] {
  const head = ["daemons", "events", "events/s", "CPU, an event, all daemons", "nats-server's CPU, an event"];
  const rest = ["and to store it", "stored, events/s", "peak memory of each, MiB", "others on the machine"];
  return [
    [...head, ...rest],
    ...summaries.map((one) => [
      String(one.daemons),
      whole(one.events),
      whole(one.eventsPerSecond),
      `${whole(one.cpuUsPerEvent)} µs`,
      `${whole(one.serverCpuUsPerEvent)} µs`,
      `${whole(one.stored.serverCpuUsPerEvent)} µs`,
      whole(one.stored.eventsPerSecond),
      one.maxRssMib.map(whole).join(", "),
      `${whole(one.othersPercent)} %`,
    ]),
  ];
}

function resource(by: ServerBounds["by"]): string {
  if (by === "disk") return "this disk";
  return by.cores === 1 ? "1 core" : `${by.cores} cores`;
}

function count({ daemons }: DaemonsSummary): string {
  return daemons === 1 ? "1 daemon" : `${daemons} daemons`;
}

function reachedBy({ daemons }: Bound): string {
  return daemons > MOST_DAEMONS ? `more than ${MOST_DAEMONS}` : String(daemons);
}

function rate({ eventsPerSecond }: Bound): string {
  return `${whole(eventsPerSecond)} events/s`;
}
