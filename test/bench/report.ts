import type { Facts } from "../facts.ts";
import { CONTENDERS, type Contender, type Run } from "./contender.ts";

/** A contender's medians over its runs. */
export interface Summary extends Omit<Run, "latency" | "bounds"> {
  readonly runs: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** natstate against the others; absent when one of the two was not run. */
export interface Ratios {
  /** Events/s, natstate over the ceiling. */
  readonly ofCeiling?: number;
  /** Events/s, natstate over one at a time. */
  readonly timesNaive?: number;
  /** CPU per event, natstate over the ceiling. */
  readonly cpuTimesCeiling?: number;
}

/** Medians of each figure over the runs of one contender. */
export function summarise(contender: Contender, runs: readonly Run[]): Summary {
  const of = (figure: (run: Run) => number) => median(runs.map(figure));
  const latencies = runs.flatMap(({ latency }) => latency ?? []);
  return {
    contender,
    runs: runs.length,
    events: runs[0]?.events ?? 0,
    startupMs: of((run) => run.startupMs),
    runMs: of((run) => run.runMs),
    eventsPerSecond: of((run) => run.eventsPerSecond),
    cpuUsPerEvent: of((run) => run.cpuUsPerEvent),
    serverCpuUsPerEvent: of((run) => run.serverCpuUsPerEvent),
    othersPercent: of((run) => run.othersPercent),
    maxRssMib: of((run) => run.maxRssMib),
    p50Ms: latencies.length === 0 ? null : median(latencies.map(({ p50Ms }) => p50Ms)),
    p99Ms: latencies.length === 0 ? null : median(latencies.map(({ p99Ms }) => p99Ms)),
  };
}

/** The ratios the aims are about. */
export function compare(summaries: readonly Summary[]): Ratios {
  const [a, b, c] = (["a", "b", "c"] as const).map((name) => summaries.find(({ contender }) => contender === name));
  return {
    ...(a && b && { ofCeiling: b.eventsPerSecond / a.eventsPerSecond }),
    ...(c && b && { timesNaive: b.eventsPerSecond / c.eventsPerSecond }),
    ...(a && b && { cpuTimesCeiling: b.cpuUsPerEvent / a.cpuUsPerEvent }),
  };
}

export function printFacts({ date, machine, node, natsServer, load, fsyncsPerSecond, seed }: Facts): string {
  return [
    `natstate bench, ${date}, seed ${seed}`,
    `${machine}; Node ${node}, nats-server ${natsServer}, ${fsyncsPerSecond} fsyncs/s, load ${load.toFixed(1)} before`,
  ].join("\n");
}

export function printComparison(summaries: readonly Summary[], ratios: Ratios): string {
  const rows = summaries.map((summary) => [
    CONTENDERS[summary.contender].label,
    whole(summary.events),
    whole(summary.eventsPerSecond),
    whole(summary.cpuUsPerEvent),
    whole(summary.serverCpuUsPerEvent),
    milliseconds(summary.p50Ms),
    milliseconds(summary.p99Ms),
    whole(summary.maxRssMib),
    whole(summary.startupMs),
    whole(summary.othersPercent),
  ]);
  const header = [
    "",
    "events",
    "events/s",
    "CPU us/event",
    "server us/event",
    "p50 ms",
    "p99 ms",
    "RSS MiB",
    "start ms",
    "others %",
  ];
  const b = summaries.find(({ contender }) => contender === "b");
  const aims = [
    aim("b/a, events/s", ratios.ofCeiling, "at least 0.6", (value) => value >= 0.6),
    aim("b/c, events/s", ratios.timesNaive, "at least 8", (value) => value >= 8),
    ratios.cpuTimesCeiling && `b/a, CPU per event: ${ratios.cpuTimesCeiling.toFixed(2)}`,
    aim("b, p99 ms at 200 events/s", b?.p99Ms, "under 20", (value) => value < 20),
  ];
  return `${table([header, ...rows])}\n\n${aims.filter(Boolean).join("\n")}`;
}

/** Columns as wide as their widest cell; all but the first flush right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** @returns null when there is no figure. */
export function aim(what: string, value: number | null | undefined, wanted: string, holds: (value: number) => boolean) {
  if (value === null || value === undefined) return null;
  return `${what}: ${value.toFixed(2)} (aim: ${wanted}; ${holds(value) ? "met" : "NOT met"})`;
}

/** Between the two in the middle when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function milliseconds(value: number | null): string {
  return value === null ? "" : value.toFixed(1);
}
