import type { Command } from "commander";
import { askMembers } from "../members/ask-members.ts";
import type { Member } from "../members/member.ts";
import { type Overview, overviewOf } from "../members/overview.ts";
import { withExamples } from "./arguments.ts";
import { type AskingOptions, addSystemOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson, table, terminalColumns } from "./output.ts";
import { withDaemons } from "./system.ts";

const ANSWER_MS = 1000;

/** Adds `natstate daemons`: who is there, and who reads what. */
export function addDaemons(program: Command): void {
  const command = program
    .command("daemons")
    .description(
      "List the running daemons: partitions, lag, version, memory, uptime, and what keeps one from being ready.",
    )
    .option("--json", "print JSON")
    .action(listDaemons);
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate daemons", "a line each"],
    ["npx natstate daemons --json | jq '.daemons[] | select(.ready | not)'", "those that are not ready"],
  ]);
}

async function listDaemons({ nats, json }: AskingOptions): Promise<void> {
  const overview = await withDaemons(nats, async ({ session, natsUrl }) => {
    const members = await askMembers(session.nc, undefined, ANSWER_MS);
    if (members.size === 0) throw new CliError("failed", `NATS answers at ${natsUrl}, but no natstate daemon`);
    return overviewOf(members.values());
  });
  if (json) printJson(overview);
  else print(renderDaemons(overview, Date.now(), terminalColumns()));
}

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
