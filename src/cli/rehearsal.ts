import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { maskUrl } from "../config/values.ts";
import { runSimulation, simulationDefaults as usual } from "../demo/simulate.ts";
import { idPrefix, optionPerType, rfc3339, share, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, findType, typeOption } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { endOnSignals } from "./signals.ts";
import { withSystem } from "./system.ts";

interface DemoOptions {
  readonly seed?: number;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** What goes wrong in the traffic; each may be given without its value, and is then the usual one. */
const TROUBLES = ["shuffle", "duplicates", "late", "fail", "malformed"] as const;
type Trouble = (typeof TROUBLES)[number];

interface SimulateOptions extends Readonly<Record<Trouble, number | true>> {
  readonly type: string;
  readonly rate: number;
  readonly seed: number;
  readonly prefix?: string;
  readonly from?: number;
  readonly nats?: string;
  readonly actors?: string;
  readonly json?: boolean;
}

/** Adds `natstate demo`: everything in a temporary directory, held against an independent model of the rules. */
export function addDemo(program: Command, types: readonly ActorType[]): void {
  // The defaults are written out: the demo's own modules are loaded only when it runs, as in start.ts.
  const command = program
    .command("demo")
    .description("Show it at work: servers of its own, seeded traffic, everything compared with a model. Cleans up.");
  const numbersOf = numberPerType(command, types, 200);
  command
    .option("--seed <n>", "another seed, other traffic (default: 1)", wholeNumber(0, 0xffffffff))
    .option("--keep", "stay running afterwards, until Ctrl-C")
    .option("--json", "print the report as JSON")
    .action(async ({ seed, keep = false, json = false, ...options }: DemoOptions) => {
      const { demoDefaults, runDemo } = await import("../demo/demo.ts");
      using ending = endOnSignals();
      const { ok } = await runDemo({
        types,
        actors: numbersOf(options),
        seed: seed ?? demoDefaults.seed,
        keep,
        json,
        out: process.stdout,
        env: process.env,
        signal: ending.signal,
      });
      if (!ok) throw new CliError("failed", "the demo did not come out as it should, or was ended early");
    });
  withExamples(command, [
    ["npx natstate demo", "about ten seconds"],
    [`npx natstate demo --${types[0]?.collection} 2000 --seed 7`, "more of it"],
    ["npx natstate demo --keep", "to look around afterwards"],
  ]);
}

/** Adds `natstate simulate`: seeded traffic for a running system. */
export function addSimulate(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("simulate")
    .description(
      "Publish seeded traffic to a running system: late, twice and in any order. The same seed and --from, the same.",
    );
  const numbersOf = numberPerType(command, types, usual.actors);
  command
    .option("--rate <n>", "events a second; 0: as fast as they are stored", wholeNumber(0), usual.rate)
    .addOption(trouble("--shuffle [n]", "mix the events of so many; 0: in order", "shuffle", wholeNumber(0)))
    .addOption(trouble("--duplicates [share]", "share of events published again", "duplicates", share))
    .addOption(trouble("--late [share]", "share of events held back to the very end", "late", share))
    .addOption(trouble("--fail [share]", "share of what may fail that does at first", "fail", share))
    .addOption(trouble("--malformed [n]", "messages that can never be read", "malformed", wholeNumber(0)))
    .option("--seed <n>", "another seed, other traffic", wholeNumber(0, 0xffffffff), usual.seed)
    .option("--from <time>", "when it happened, RFC 3339 (default: just now)", (text) => Date.parse(rfc3339(text)))
    .option("--prefix <text>", "put before every id (default: of seed and time)", idPrefix)
    .addOption(typeOption(types))
    .option("--json", "print the summary as JSON")
    .action((options: SimulateOptions) => simulate(findType(types, options.type), options, numbersOf(options)));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate simulate", `a hundred ${types[0]?.collection} in a few seconds`],
    [`npx natstate simulate --${types[0]?.collection} 10000 --rate 0 --seed 2`, "as fast as NATS takes them"],
    ["npx natstate simulate --duplicates 50% --late 20% --fail 0.5", "a bad day"],
    ["npx natstate simulate --shuffle 0 --duplicates 0 --late 0 --fail 0 --malformed 0", "a perfect one"],
  ]);
}

function trouble(flags: string, description: string, name: Trouble, parse: (text: string) => number): Option {
  return new Option(flags, description).argParser(parse).default(usual[name]);
}

/** Adds `--orders <n>`, for example: how many of each type. */
function numberPerType(command: Command, types: readonly ActorType[], fallback: number) {
  return optionPerType<number>(command, types, ({ collection }) =>
    new Option(`--${collection} <n>`, `how many ${collection} (default: ${fallback})`).argParser(
      wholeNumber(1, 1_000_000),
    ),
  );
}

/** What the next command has to be told as this one was; what the environment says, it says to that one, too. */
function copied({ nats, actors }: SimulateOptions): string {
  return [...(nats ? [`--nats ${maskUrl(nats)}`] : []), ...(actors ? [`--actors ${actors}`] : [])].join(" ");
}

async function simulate(
  type: ActorType,
  options: SimulateOptions,
  numbers: ReadonlyMap<ActorType, number>,
): Promise<void> {
  const { rate, seed } = options;
  const other = [...numbers.keys()].find((each) => each !== type);
  if (other !== undefined) throw new CliError("usage", `--${other.collection} is for --type ${other.name}`);
  const troubles = TROUBLES.map((name) => [name, options[name] === true ? usual[name] : options[name]]);
  using ending = endOnSignals();
  const { complete } = await withSystem(options.nats, ({ url, access }) =>
    runSimulation({
      ...{ type, actors: numbers.get(type) ?? usual.actors, rate, seed },
      ...(Object.fromEntries(troubles) as Record<Trouble, number>),
      natsUrl: url,
      access,
      idPrefix: options.prefix,
      startMs: options.from,
      where: copied(options),
      json: options.json ?? false,
      out: process.stdout,
      signal: ending.signal,
    }),
  );
  if (!complete) throw new CliError("failed", "ended before everything was published");
}
