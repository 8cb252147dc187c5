import type { Facts } from "../facts.ts";
import type { GrowthPoint } from "./growth.ts";
import type { GrowthLatency } from "./growth-live.ts";
import type { Latency } from "./latency.ts";
import { CAUSES, type Cause, type LiveLatency, SLOW_MS } from "./live.ts";
import { aim, median, table, whole } from "./report.ts";

/** What `npm run bench -- --growth` writes. */
export interface GrowthReport extends Facts {
  readonly actors: "order" | "device";
  readonly points: readonly GrowthPoint[];
}

/** As people read it: a line for each size and contender, and whether the aims are met. */
export function printGrowth({ actors, points }: GrowthReport): string {
  const head = [
    `${actors}s in the store`,
    "",
    "CPU us, a further event",
    "parts",
    "first events",
    "events/s",
    "parts",
    "b/a",
    "parts",
    "server us/event",
    "RSS MiB",
    "start ms",
    "WAL pages/event",
    "WAL KiB/event",
    "disk KiB/event",
    "WAL MiB",
    "store, B/event",
    "p99 ms at rest",
    "beside lists",
    "after burst",
    "filling, us/event",
    "others %",
  ];
  const sizes = [...Map.groupBy(points, (point) => point.actors)].sort(([a], [b]) => a - b);
  const rows = sizes.flatMap(([, own]) =>
    own.map((point) => [
      whole(point.actors),
      point.contender,
      point.cpuUsPerEvent.toFixed(1),
      spread(
        point.parts.map(({ cpuUsPerEvent }) => cpuUsPerEvent),
        whole,
      ),
      point.first.cpuUsPerEvent.toFixed(1),
      whole(point.eventsPerSecond),
      spread(
        point.parts.map(({ eventsPerSecond }) => eventsPerSecond),
        whole,
      ),
      ...(point.contender === "b" ? [fixed(ofCeiling(own)), spread(partsOfCeiling(own), fixed)] : ["", ""]),
      point.serverCpuUsPerEvent.toFixed(1),
      whole(point.maxRssMib),
      whole(point.startupMs),
      point.walPagesPerEvent.toFixed(2),
      kib(point.walBytesPerEvent),
      kib(point.diskBytesPerEvent),
      whole(point.walMib),
      whole(point.storeBytesPerEvent),
      fixed(point.latency?.atRest.p99Ms),
      fixed(point.latency?.besideLists.p99Ms),
      fixed(point.latency?.afterBurst.p99Ms),
      point.filling.cpuUsPerEvent.toFixed(1),
      whole(point.othersPercent),
    ]),
  );
  const tables = [table([head, ...rows]), printLive(points), growthAims(points).join("\n")];
  return tables.filter((text) => text !== "").join("\n\n");
}

const OF_CAUSE: Readonly<Record<Cause, string>> = {
  bench: "bench itself",
  collector: "collector",
  checkpoint: "log, by the loop",
  commit: "commit",
  loop: "loop, else",
  serverBesideCopy: "server, log copied",
  server: "server",
  unknown: "not known",
};

/** At 200 events/s: the decisions beside what could have held them up, and what did. Empty where none were measured. */
export function printLive(points: readonly GrowthPoint[]): string {
  const lines = points.flatMap(({ actors, latency }) => (latency === null ? [] : linesOf(whole(actors), latency)));
  if (lines.length === 0) return "";
  const head = [
    ...["ms, at 200 events/s", "p50", "p99", "most"],
    ...[
      "server acks, p50",
      "p99",
      "most",
      "loop, p99",
      "most",
      "collector",
      "commit",
      "log, by the loop",
      "by its thread",
    ],
    ...[`over ${SLOW_MS} ms:`, ...CAUSES.map((cause) => OF_CAUSE[cause])],
  ];
  return table([head, ...lines]);
}

function linesOf(size: string, { afterBurst, rest, atRest, besideLists }: GrowthLatency): string[][] {
  const seconds = Math.round(rest.waitedMs / 1000);
  return [
    lineOf(`${size}, right after the burst`, afterBurst),
    lineOf(rest.isAtRest ? `  at rest, ${seconds} s later` : `  not at rest ${seconds} s later`, atRest),
    lineOf("  beside lists", besideLists),
  ];
}

function lineOf(name: string, live: LiveLatency): string[] {
  const { acknowledged, slow, loopP99Ms, loopMaxMs, collectorMaxMs, commitMaxMs, checkpointMaxMs, copyMaxMs } = live;
  const three = ({ p50Ms, p99Ms, maxMs }: Latency) => [p50Ms, p99Ms, maxMs];
  const own = [loopP99Ms, loopMaxMs, collectorMaxMs, commitMaxMs, checkpointMaxMs, copyMaxMs];
  const counts = CAUSES.map((cause) => slow[cause]);
  const sum = counts.reduce((all, count) => all + count, 0);
  return [
    name,
    ...[...three(live), ...three(acknowledged), ...own].map((ms) => ms.toFixed(1)),
    ...[sum, ...counts].map((count) => (count === 0 ? "" : whole(count))),
  ];
}

/** A line for each aim that there is a figure for. */
export function growthAims(points: readonly GrowthPoint[]): string[] {
  const sizes = [...Map.groupBy(points, ({ actors }) => actors)].sort(([a], [b]) => a - b);
  const own = points.filter(({ contender }) => contender === "b").sort((a, b) => a.actors - b.actors);
  const [fewest, most] = [own[0], own.at(-1)];
  if (fewest === undefined || most === undefined) return [];
  const ratios = sizes.flatMap(([, of]) => ofCeiling(of) ?? []);
  const largest = (figures: readonly (number | undefined)[]) => {
    const known = figures.filter((figure) => figure !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const most99 = (of: (latency: GrowthLatency) => LiveLatency) =>
    largest(own.map(({ latency }) => (latency === null ? undefined : of(latency).p99Ms)));
  const afterBurst = most99((latency) => latency.afterBurst);
  const growth = most.cpuUsPerEvent / fewest.cpuUsPerEvent;
  const name = `CPU of a further event, with ${whole(most.actors)} / with ${whole(fewest.actors)}`;
  return [
    aim(name, growth, "at most 1.3", (value) => value <= 1.3),
    aim(
      "b/a, events/s, at the worst size",
      ratios.length === 0 ? undefined : Math.min(...ratios),
      "at least 0.7",
      (value) => value >= 0.7,
    ),
    aim("RSS MiB, the most", largest(own.map(({ maxRssMib }) => maxRssMib)), "under 400", (value) => value < 400),
    aim(`start with ${whole(most.actors)}, s`, most.startupMs / 1000, "under 2", (value) => value < 2),
    aim(
      "p99 ms at 200 events/s, at rest, the most",
      most99(({ atRest }) => atRest),
      "under 10",
      isShort,
    ),
    aim(
      "p99 ms beside lists, the most",
      most99(({ besideLists }) => besideLists),
      "under 10",
      isShort,
    ),
    afterBurst === undefined ? null : `p99 ms right after the burst, the most: ${afterBurst.toFixed(2)}`,
  ].filter((line) => line !== null);
}

/** Of each part, natstate's events/s over those of the ceiling, whose part came right before it. */
function partsOfCeiling(own: readonly GrowthPoint[]): number[] {
  const [a, b] = (["a", "b"] as const).map((name) => own.find(({ contender }) => contender === name)?.parts ?? []);
  return (b ?? []).flatMap(({ eventsPerSecond }, part) => {
    const ceiling = a?.[part];
    return ceiling === undefined ? [] : eventsPerSecond / ceiling.eventsPerSecond;
  });
}

function ofCeiling(own: readonly GrowthPoint[]): number | undefined {
  const parts = partsOfCeiling(own);
  return parts.length === 0 ? undefined : median(parts);
}

function spread(values: readonly number[], print: (value: number) => string): string {
  return values.length === 0 ? "" : `${print(Math.min(...values))} to ${print(Math.max(...values))}`;
}

function isShort(p99Ms: number): boolean {
  return p99Ms < 10;
}

function kib(bytes: number | null): string {
  return bytes === null ? "" : (bytes / 1024).toFixed(1);
}

function fixed(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(2);
}
