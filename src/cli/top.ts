import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { PublishedObject, Stats } from "../answers/queries.ts";
import { QueryError } from "../answers/query-error.ts";
import { followDecisions } from "../jetstream/decision-feed.ts";
import { readTotalLag } from "../jetstream/lag.ts";
import { toLine } from "../ops/terminal-text.ts";
import { describeContent } from "./actors-text.ts";
import { durationMs, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, chosenTypes, ofTypeOption, type TypedOptions } from "./asking.ts";
import { print, printJson, say } from "./output.ts";
import { endOnSignals } from "./signals.ts";
import { type System, withSystem } from "./system.ts";
import { renderLine, renderScreen, type SeenDecision, type Snapshot, sum } from "./top-text.ts";

interface TopOptions extends TypedOptions {
  readonly interval: number;
  readonly count?: number;
}

const KEPT_DECISIONS = 100;
const LEAST_MS = 200;
const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

/** Adds `natstate top`: what a running system does, each second. */
export function addTop(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("top")
    .description("Show rates, states, lag, dead letters and the last decisions, live; piped, a line each second.")
    .addOption(new Option("--interval <duration>", "how often").argParser(durationMs).default(1000, "1s"))
    .option("--count <n>", "end after so many", wholeNumber(1))
    .addOption(ofTypeOption(types))
    .option("--json", "print each as one line of JSON")
    .action((options: TopOptions) => withSystem(options.nats, (system) => top(system, types, options)));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate top", "until Ctrl-C"],
    ["npx natstate top | tee rates.log", "a line each second"],
    ["npx natstate top --json --count 1 | jq .lag", "for a script"],
  ]);
}

async function top(system: System, types: readonly ActorType[], options: TopOptions): Promise<void> {
  const chosen = chosenTypes(types, options.type);
  using ending = endOnSignals();
  const seen = new Map(chosen.map((type) => [type, [] as SeenDecision[]]));
  const following = Promise.all([...seen].map(([type, into]) => follow(system, type, into, ending.signal)));
  const isScreen = process.stdout.isTTY === true && !options.json;
  try {
    using _screen = isScreen ? enterScreen() : undefined;
    let shown = 0;
    for await (const snapshot of snapshots(system, seen, options.interval, ending.signal)) {
      if (options.json) printJson(snapshot, { oneLine: true });
      else if (isScreen) draw(renderScreen(chosen, snapshot, { where: system.natsUrl, rows: process.stdout.rows }));
      else print(renderLine(chosen, snapshot));
      if (++shown === options.count) break;
    }
  } finally {
    ending.abort();
    await following;
  }
}

/** Until it is disposed of, or the process ends. */
function enterScreen(): Disposable {
  const leave = () => {
    process.off("exit", leave);
    process.stdout.write(LEAVE_SCREEN);
  };
  process.once("exit", leave);
  process.stdout.write(ENTER_SCREEN);
  return { [Symbol.dispose]: leave };
}

/** One after each interval. The first question must be answered; later a daemon may be away for a while. */
async function* snapshots(
  { session, queries }: System,
  seen: ReadonlyMap<ActorType, readonly SeenDecision[]>,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Snapshot> {
  const types = [...seen.keys()];
  let before = { stats: await queries.stats(...types), atMs: performance.now() };
  while (!signal.aborted) {
    await delay(Math.max(LEAST_MS, intervalMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const stats = await queries.stats(...types).catch((error: unknown) => {
      if (!(error instanceof QueryError)) throw error;
      return undefined;
    });
    if (stats === undefined) {
      if (!process.stdout.isTTY) say("natstate does not answer, asking again");
      continue;
    }
    const atMs = performance.now();
    const lags = await Promise.all(types.map((type) => readTotalLag(session.jsm, type)));
    const lag = lags.reduce((sum, each) => (sum === null || each === null ? null : sum + each), 0);
    const perSecond = ratesBetween(before.stats, stats, (atMs - before.atMs) / 1000);
    const decisions = [...seen.values()].flat().sort((a, b) => (a.publishedAt < b.publishedAt ? 1 : -1));
    yield { at: new Date().toISOString(), stats, perSecond, lag, decisions: decisions.slice(0, KEPT_DECISIONS) };
    before = { stats, atMs };
  }
}

/** @returns each second; never negative: a partition on its way between two daemons is counted by neither. */
function ratesBetween(before: Stats, now: Stats, seconds: number): Snapshot["perSecond"] {
  const rate = (count: (stats: Stats) => number) => Math.max(0, Math.round((count(now) - count(before)) / seconds));
  const dead = ({ deadLetters }: Stats) => sum(deadLetters.byReason);
  return {
    events: rate((stats) => sum(stats.events) + dead(stats)),
    decisions: rate(({ decisions }) => sum(decisions.byType)),
    deadLetters: rate(dead),
  };
}

async function follow(system: System, type: ActorType, into: SeenDecision[], signal: AbortSignal): Promise<void> {
  try {
    for await (const { publishedAt, actorId, payload } of followDecisions(system.session, type, {
      back: KEPT_DECISIONS,
      signal,
    })) {
      const decision = JSON.parse(payload) as PublishedObject;
      into.unshift({
        publishedAt,
        actorId,
        revision: Number(decision.revision),
        content: describeContent(type, decision),
      });
      into.splice(KEPT_DECISIONS);
    }
  } catch (error) {
    if (!signal.aborted) say(`decisions cannot be followed: ${(error as Error).message}`);
  }
}

/** Draws over what was there, without flicker; a line ends where the terminal does. */
function draw(lines: readonly string[]): void {
  const { columns, rows } = process.stdout;
  const shown = lines.slice(0, rows).map((line) => `${toLine(line).slice(0, columns)}\x1b[K`);
  process.stdout.write(`\x1b[H${shown.join("\r\n")}\x1b[J`);
}
