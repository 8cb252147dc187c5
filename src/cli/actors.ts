import type { Command } from "commander";
import type { ActorType } from "../../machines/actor-type.ts";
import { isRefused, type Parameters, readListFilter } from "../flow/query-filters.ts";
import { readPast } from "../flow/whereabouts.ts";
import type { QueryClient } from "../jetstream/query-client.ts";
import { renderActor, renderHistory, renderList, renderStats, withPast } from "./actors-text.ts";
import { checkActorId, findType, typeOption, wholeNumber, withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { addSystemOption } from "./nats-option.ts";
import { print, printJson } from "./output.ts";
import { withSystem } from "./system.ts";

/** What every read takes. */
interface ReadOptions {
  readonly type: string;
  readonly nats?: string;
  readonly json?: boolean;
}

interface ListOptions extends ReadOptions {
  readonly state?: string;
  readonly decision?: string;
  readonly incomplete?: boolean;
  readonly waitingFor?: string;
  readonly completeness?: string;
  readonly prefix?: string;
  readonly updatedBefore?: string;
  readonly limit: number;
}

/** Adds `get`, `history`, `list` and `stats`. */
export function addActorReads(program: Command, types: readonly ActorType[]): void {
  addGet(program, types);
  addHistory(program, types);
  addList(program, types);
  addStats(program, types);
}

function addGet(program: Command, types: readonly ActorType[]): void {
  const command = addRead(
    program,
    "get <id>",
    "Show one order: its state, facets, standing decision and events.",
    types,
  ).action(async (id: string, options: ReadOptions) => {
    const type = findType(types, options.type);
    const found = await askOne(types, type, id, options, (queries) => queries.get(type, id));
    if (options.json) printJson(found);
    else print(withPast(renderActor(type, found), readPast(found)));
  });
  withExamples(command, [
    ["npx natstate get ORD-1001", "for a person"],
    ["npx natstate get ORD-1001 --json | jq .decision", "for a script; exit code 3 when there is no such order"],
  ]);
}

function addHistory(program: Command, types: readonly ActorType[]): void {
  const command = addRead(
    program,
    "history <id>",
    "Show all that led to what an order is: events and decisions.",
    types,
  ).action(async (id: string, options: ReadOptions) => {
    const type = findType(types, options.type);
    const found = await askOne(types, type, id, options, (queries) => queries.history(type, id));
    if (options.json) printJson(found);
    else print(withPast(renderHistory(type, id, found), readPast(found)));
  });
  withExamples(command, [
    ["npx natstate history ORD-1001", "events in stream order, decisions by revision"],
    ["npx natstate history ORD-1001 --json", "with every event's own fields"],
  ]);
}

function addList(program: Command, types: readonly ActorType[]): void {
  const command = addRead(program, "list", "List orders, newest first.", types)
    .option("--state <state>", "only in this state")
    .option("--decision <type>", "only with this standing decision; none: without one")
    .option("--incomplete", "only those that still wait for an event")
    .option("--waiting-for <event>", "only those that have not had this event")
    .option("--completeness <percent>", "only those of which this much is known")
    .option("--prefix <text>", "only ids that begin with it, by id")
    .option("--updated-before <time>", "only those quiet since then, RFC 3339")
    .option("--limit <n>", "how many at most", wholeNumber(1, 100_000), 50)
    .action(async (options: ListOptions) => {
      const type = findType(types, options.type);
      const filter = filterOf(type, options);
      const found = await withSystem(options.nats, ({ queries }) => queries.list(type, filter, options.limit));
      if (options.json) printJson({ [type.collection]: found.actors, more: found.more, ...found.past });
      else print(withPast(renderList(type, found), found.past));
    });
  withExamples(command, [
    ["npx natstate list --limit 20", "the newest"],
    ["npx natstate list --state payment_failed", "by state"],
    ["npx natstate list --waiting-for PaymentProcessed", "unpaid so far"],
    ["npx natstate list --incomplete --updated-before 2026-01-31T00:00:00Z", "stuck since January"],
    ["npx natstate list --decision none --json", "undecided, as JSON"],
  ]);
}

function addStats(program: Command, types: readonly ActorType[]): void {
  const command = addRead(program, "stats", "Count orders by state, decisions, events and dead letters.", types).action(
    async (options: ReadOptions) => {
      const type = findType(types, options.type);
      const found = await withSystem(options.nats, ({ queries }) => queries.stats(type));
      if (options.json) printJson(found);
      else print(withPast(renderStats(type, found), readPast(found)));
    },
  );
  withExamples(command, [
    ["npx natstate stats", "over all daemons"],
    ["npx natstate stats --json | jq .orders.byState", "for a script"],
  ]);
}

function addRead(program: Command, usage: string, description: string, types: readonly ActorType[]): Command {
  const command = program.command(usage).description(description).addOption(typeOption(types));
  return addSystemOption(command).option("--json", "print JSON");
}

async function askOne<Answer>(
  types: readonly ActorType[],
  type: ActorType,
  id: string,
  { nats }: ReadOptions,
  ask: (queries: QueryClient) => Promise<Answer | undefined>,
): Promise<Answer> {
  checkActorId(type, id);
  const found = await withSystem(nats, ({ queries }) => ask(queries));
  if (found !== undefined) return found;
  const others = types.filter((other) => other !== type).map(({ name }) => `--type ${name}`);
  const hint = others.length === 0 ? "" : ` Is it of another type: ${others.join(", ")}?`;
  const message = `no ${type.name} ${id}: no event about it was ever applied. Ids are case-sensitive.${hint}`;
  throw new CliError("not_found", message);
}

/** Checked here, so that a mistake is told before anything is opened. */
function filterOf(type: ActorType, options: ListOptions): Parameters {
  const { state, decision, incomplete, waitingFor, completeness, prefix: idPrefix, updatedBefore } = options;
  const filter = { state, decision, incomplete, waitingFor, completeness, idPrefix, updatedBefore };
  const checked = readListFilter(type, filter);
  if (isRefused(checked)) throw new CliError("usage", withFlags(checked.problem));
  return filter;
}

const FLAGS: Readonly<Record<string, string>> = {
  state: "--state",
  decision: "--decision",
  waitingFor: "--waiting-for",
  completeness: "--completeness",
  idPrefix: "--prefix",
  updatedBefore: "--updated-before",
};

/** The API's parameters by the names they have here. */
function withFlags(problem: string): string {
  return problem.replace(/(^|; )(\w+)(?=: )/g, (whole, before, name) => (FLAGS[name] ? before + FLAGS[name] : whole));
}
