import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { joinPasts, readPast } from "../answers/find-actor.ts";
import { exportHistory } from "../answers/history-export.ts";
import { isRefused, type Parameters, readListFilter } from "../answers/query-filters.ts";
import type { ActorList } from "../members/query-client.ts";
import { renderActor, renderHistory, renderList, renderStats, sayPast } from "./actors-text.ts";
import { allOf, exampleNames, oneOf, timeOrDuration, wholeNumber, withExamples } from "./arguments.ts";
import { addAsking, chosenTypes, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { askOne } from "./find-actor.ts";
import { countOf, print, printJson, say, terminalColumns } from "./output.ts";
import { withDaemons } from "./system.ts";

/** Adds `get`, `history`, `list` and `stats`. */
export function addActorReads(program: Command, types: readonly ActorType[]): void {
  addGet(program, types);
  addHistory(program, types);
  addList(program, types);
  addStats(program, types);
}

function addGet(program: Command, types: readonly ActorType[]): void {
  const command = addAsking(
    program,
    "get <id>",
    `Show one ${oneOf(types)}: its state, facets, standing decision and events.`,
    types,
  ).action(async (id: string, options: TypedOptions) => {
    const { type, found } = await askOne(types, id, options, (queries, of) => queries.get(of, id));
    if (options.json) printJson(found);
    else print(renderActor(type, found));
    sayPast(readPast(found));
  });
  const { id } = exampleNames(types);
  withExamples(command, [
    [`npx natstate get ${id}`, "for a person"],
    [`npx natstate get ${id} --json | jq .decision`, "for a script; exit code 3 when there is none"],
  ]);
}

interface HistoryOptions extends TypedOptions {
  /** True: to standard output. */
  readonly export?: string | true;
}

function addHistory(program: Command, types: readonly ActorType[]): void {
  const command = addAsking(
    program,
    "history <id>",
    `Show all that led to what one ${oneOf(types)} is: events and decisions.`,
    types,
  )
    .option(
      "--export [file]",
      "write it as JSON that a test replays (replay of natstate/testing); without a file, print it",
    )
    .action((id: string, options: HistoryOptions) => (options.export ? exportOne : showHistory)(types, id, options));
  const { id } = exampleNames(types);
  withExamples(command, [
    [`npx natstate history ${id}`, "events in stream order, decisions by revision"],
    [`npx natstate history ${id} --json`, "with every event's own fields"],
    [`npx natstate history ${id} --export ${id}.json`, "to replay it in a test"],
  ]);
}

async function showHistory(types: readonly ActorType[], id: string, options: HistoryOptions): Promise<void> {
  const { type, found } = await askOne(types, id, options, (queries, of) => queries.history(of, id));
  if (options.json) printJson(found);
  else print(renderHistory(type, id, found));
  sayPast(readPast(found));
}

async function exportOne(types: readonly ActorType[], id: string, options: HistoryOptions): Promise<void> {
  const { found } = await askOne(types, id, options, async (queries, type) => {
    const actor = await queries.get(type, id);
    const history = actor && (await queries.history(type, id));
    return actor && history && exportHistory(type, id, actor, history);
  });
  if (found.total > found.events.length) {
    say(`of its ${found.total} events ${found.events.length} are told: a replay of them may come to another state`);
  }
  const { export: file } = options;
  if (typeof file !== "string") return printJson(found);
  writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
  say(`${file} has ${countOf(found.events.length, "event")} and ${countOf(found.decisions.length, "decision")}`);
}

function addList(program: Command, types: readonly ActorType[]): void {
  const command = addAsking(program, "list", `List ${allOf(types)}, newest first.`, types);
  for (const option of Object.values(filterOptions())) command.addOption(option);
  command
    .option("--limit <n>", "how many at most", wholeNumber(1, 100_000), 50)
    .action((options: TypedOptions & { readonly limit: number }) => list(types, options));
  const { state, eventType } = exampleNames(types);
  withExamples(command, [
    ["npx natstate list --limit 20", "the newest"],
    [`npx natstate list --state ${state}`, "by state"],
    [`npx natstate list --waiting-for ${eventType}`, "none heard so far"],
    ["npx natstate list --incomplete --updated-before 2026-01-31T00:00:00Z", "stuck since January"],
    ["npx natstate list --due-before 20m", "whose next delay ends within 20 minutes"],
    ["npx natstate list --quarantined", "waiting for a release"],
    ["npx natstate list --decision none --json", "undecided, as JSON"],
  ]);
}

/** Of several types, those that know what the filter names. */
async function list(types: readonly ActorType[], options: TypedOptions & { readonly limit: number }): Promise<void> {
  const filter = filterOf(options);
  const chosen = chosenTypes(types, options.type);
  const checked = chosen.map((type) => readListFilter(type, filter));
  const asked = chosen.filter((_, index) => !isRefused(checked[index] ?? {}));
  const [first] = checked;
  // Told before anything is opened.
  if (asked.length === 0 && first !== undefined && isRefused(first)) {
    throw new CliError("usage", withFlags(first.problem));
  }
  const lists = await withDaemons(options.nats, async ({ queries }) => {
    const found: { type: ActorType; list: ActorList }[] = [];
    for (const type of asked) found.push({ type, list: await queries.list(type, filter, options.limit) });
    return found;
  });
  const past = joinPasts(lists.map(({ list: { past = {} } }) => past));
  if (options.json) {
    const more = lists.some(({ list }) => list.more);
    printJson({ ...Object.fromEntries(lists.map(({ type, list }) => [type.collection, list.actors])), more, ...past });
  } else {
    const texts = lists.map(({ type, list }) => renderList(type, list, terminalColumns()));
    print(texts.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines])));
  }
  sayPast(past);
}

function addStats(program: Command, types: readonly ActorType[]): void {
  const command = addAsking(
    program,
    "stats",
    `Count ${allOf(types)} by state, decisions, events and dead letters.`,
    types,
  ).action(async (options: TypedOptions) => {
    const chosen = chosenTypes(types, options.type);
    const found = await withDaemons(options.nats, ({ queries }) => queries.stats(...chosen));
    if (options.json) printJson(found);
    else print(renderStats(chosen, found));
    sayPast(readPast(found));
  });
  const { collection } = exampleNames(types);
  withExamples(command, [
    ["npx natstate stats", "over all daemons"],
    [`npx natstate stats --json | jq .${collection}.byState`, "for a script"],
  ]);
}

/** The API's parameters of a list, as they are said here. */
function filterOptions(): Readonly<Record<string, Option>> {
  return {
    state: new Option("--state <state>", "only in this state, or in one within it"),
    decision: new Option("--decision <type>", "only with this standing decision; none: without one"),
    incomplete: new Option("--incomplete", "only those that still wait for an event"),
    waitingFor: new Option("--waiting-for <event>", "only those that have not had this event"),
    completeness: new Option("--completeness <percent>", "only those of which this much is known"),
    quarantined: new Option("--quarantined", "only those whose machine failed, by id"),
    idPrefix: new Option("--prefix <text>", "only ids that begin with it, by id"),
    updatedBefore: new Option(
      "--updated-before <time>",
      "only those quiet since then, RFC 3339 or as long ago as 2h",
    ).argParser(timeOrDuration(-1)),
    dueBefore: new Option(
      "--due-before <time>",
      "only those that wait for a delay ending before, who is due first, RFC 3339 or as far ahead as 20m",
    ).argParser(timeOrDuration(1)),
  };
}

function filterOf(options: object): Parameters {
  const given = new Map(Object.entries(options));
  const named = Object.entries(filterOptions()).map(([name, option]) => [name, given.get(option.attributeName())]);
  return Object.fromEntries(named);
}

function withFlags(problem: string): string {
  const options = filterOptions();
  return problem.replace(/(^|; )(\w+)(?=: )/g, (_, before, name) => before + (options[name]?.long ?? name));
}
