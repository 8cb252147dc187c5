import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { PublishedObject } from "../answers/queries.ts";
import { followDecisions, type PublishedMessage } from "../jetstream/decision-feed.ts";
import { describeContent } from "./actors-text.ts";
import { allOf, durationMs, exampleNames, withExamples } from "./arguments.ts";
import { addSystemOption, chosenTypes, ofTypeOption, type TypedOptions } from "./asking.ts";
import { print, printJson, say } from "./output.ts";
import { endOnSignals } from "./signals.ts";
import { describeActors } from "./states-text.ts";
import { type System, withSystem } from "./system.ts";

interface WatchOptions extends TypedOptions {
  readonly since?: number;
}

const COUNTS_EVERY_MS = 3000;

/** Adds `natstate watch`: decisions as they are published. */
export function addWatch(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("watch")
    .description(
      `Follow decisions as they are published; on a terminal also how many ${allOf(types)} are in which state.`,
    )
    .option("--since <duration>", "begin with the decisions of that long ago, such as 10m", durationMs)
    .addOption(ofTypeOption(types))
    .option("--json", "print each as one line of JSON")
    .action((options: WatchOptions) =>
      withSystem(options.nats, (system) => watch(system, chosenTypes(types, options.type), options)),
    );
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate watch", "until Ctrl-C"],
    ["npx natstate watch --since 10m", "the last ten minutes first"],
    [`npx natstate watch --json | jq -r .${exampleNames(types).idField}`, "for a script"],
  ]);
}

async function watch(system: System, types: readonly ActorType[], options: WatchOptions): Promise<void> {
  using ending = endOnSignals();
  const counting = process.stdout.isTTY && !options.json ? showCounts(system, types, ending.signal) : undefined;
  say(`watching ${types.map(({ name }) => name).join(" and ")} decisions at ${system.natsUrl}, Ctrl-C ends`);
  try {
    await Promise.all(types.map((type) => tell(system, type, options, ending)));
  } finally {
    ending.abort();
    await counting;
  }
}

/** One type's decisions. When they cannot be followed, none is. */
async function tell(
  system: System,
  type: ActorType,
  { since, json }: WatchOptions,
  ending: AbortController,
): Promise<void> {
  try {
    for await (const message of followDecisions(system.session, type, { sinceMs: since, signal: ending.signal })) {
      const decision = JSON.parse(message.payload) as PublishedObject;
      if (json) printJson({ ...decision, publishedAt: message.publishedAt }, { oneLine: true });
      else print(describe(type, message, decision));
    }
  } finally {
    ending.abort();
  }
}

function describe(type: ActorType, { publishedAt, actorId }: PublishedMessage, decision: PublishedObject): string {
  const revised = decision.supersedes === null ? "" : `, supersedes ${decision.supersedes}`;
  const known = `${decision.dataCompleteness} % known`;
  return `${publishedAt}  ${actorId}  ${describeContent(type, decision)}  (revision ${decision.revision}${revised}, ${known})`;
}

/** A line of counts every few seconds, when they have changed. */
async function showCounts({ queries }: System, types: readonly ActorType[], signal: AbortSignal): Promise<void> {
  let before = "";
  while (!signal.aborted) {
    try {
      const stats = await queries.stats(...types);
      const counts = types.map((type) => describeActors(type, stats));
      const line = `-- ${counts.join("; ")}${stats.quarantined === 0 ? "" : `; ${stats.quarantined} quarantined`}`;
      if (line !== before && !signal.aborted) print(line);
      before = line;
    } catch {
      // The daemon is away; decisions are shown as soon as there are some again.
    }
    await delay(COUNTS_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
