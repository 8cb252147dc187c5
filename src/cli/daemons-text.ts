import type { Member } from "../members/member.ts";
import type { Overview } from "../members/overview.ts";
import { table } from "./output.ts";

/** For a person: a line for each daemon, what keeps one from being ready, and what nobody reads. */
export function renderDaemons({ daemons, unread }: Overview, nowMs: number, fit?: number): string[] {
  const rows = daemons.map((daemon) => rowOf(daemon, nowMs));
  return [
    ...table(["daemon", "ready", "lag", "up", "memory", "version", "partitions"], rows, fit),
    ...daemons.flatMap((daemon) => daemon.troubles.map((trouble) => `${nameOf(daemon)}: ${trouble}`)),
    ...unread.map(({ stream, partitions }) => `nobody reads partitions ${ranges(partitions)} of ${stream}`),
  ];
}

function rowOf(daemon: Member, nowMs: number) {
  const { ready, leaving, lag, rssBytes, startedAt, version, streams } = daemon;
  const how = ready ? "yes" : "NO";
  return [
    nameOf(daemon),
    leaving ? `${how}, leaving` : how,
    lag,
    upFor(nowMs - Date.parse(startedAt)),
    `${Math.round(rssBytes / 1_048_576)} MiB`,
    version,
    streams.map(describePartitions).join("; "),
  ];
}

function nameOf({ host, pid, daemon }: Member): string {
  return `${host} ${pid}${daemon === null ? "" : ` (${daemon})`}`;
}

/** For example `order v2: 0-3, 7, follows 5`. */
function describePartitions({ type, typeVersion, holds, follows }: Member["streams"][number]): string {
  const along = follows.length === 0 ? "" : `, follows ${ranges(follows)}`;
  return `${type} v${typeVersion}: ${holds.length === 0 ? "none" : ranges(holds)}${along}`;
}

/** For example `0-3, 7`. */
function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && number === run[1] + 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}

function upFor(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
