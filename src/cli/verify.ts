import { join } from "node:path";
import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { OnProgress } from "../care/derive-store.ts";
import { describeDifference } from "../care/diff.ts";
import { type Selection, type Verification, verify } from "../care/verify.ts";
import { readConfig } from "../config/config.ts";
import type { Session } from "../jetstream/session.ts";
import { createProgress } from "../ops/progress.ts";
import { allOf, checkActorId, exampleNames, oneOf, optionPerType, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, chosenTypes, ofTypeOption, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { countOf, print, printJson } from "./output.ts";
import { exitOnSignals } from "./signals.ts";
import { withSystem } from "./system.ts";

interface VerifyOptions extends TypedOptions {
  /** Of these only. */
  readonly ids: ReadonlyMap<ActorType, string>;
  readonly sample?: number;
  readonly all?: boolean;
}

const SAMPLE = 100;

/** Adds `natstate verify`: exit code 1 when the store says anything that does not follow from the log. */
export function addVerify(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("verify")
    .description(
      `Derive ${allOf(types)} anew from the stream and compare them with the store and with DECISIONS. Reads only; the daemon goes on.`,
    );
  const idsOf = optionPerType<string>(command, types, ({ name }) => new Option(`--${name} <id>`, `this ${name}`));
  command
    .option("--sample <n>", `so many at random (default: ${SAMPLE})`, wholeNumber(1, 1_000_000))
    .option("--all", "every one; needs room for the store twice under NATSTATE_DATA")
    .addOption(ofTypeOption(types))
    .option("--json", "print JSON")
    .action((options: Omit<VerifyOptions, "ids">) => run(types, { ...options, ids: idsOf(options) }));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate verify", `${SAMPLE} at random; exit code 1 when anything differs`],
    [`npx natstate verify --${types[0]?.name} ${exampleNames(types).id}`, "one; exit code 3 when there is none"],
    ["npx natstate verify --all --json", "the whole store"],
  ]);
}

async function run(types: readonly ActorType[], options: VerifyOptions): Promise<void> {
  exitOnSignals();
  const chosen = choose(types, options);
  const progress = createProgress(process.stderr);
  const verified = await withSystem(options.nats, ({ session }) =>
    verifyEach(chosen, session, options, progress.count),
  ).finally(progress.clear);
  if (verified.length === 0) {
    const collections = chosen.map(({ collection }) => collection).join(" or ");
    throw new CliError("failed", `the store has not read any ${collections} yet`);
  }
  const known = verified.filter(({ found }) => found.checked + found.retired > 0);
  const [id] = options.ids.values();
  if (id !== undefined && known.length === 0) throw notFound(id, verified);
  const shown = id === undefined ? verified : known;
  if (options.json) printJson(sumUp(shown));
  else print(shown.flatMap((each) => render(each, options)));
  const differing = shown.reduce((sum, { found }) => sum + found.found, 0);
  if (differing > 0)
    throw new CliError("failed", `${countOf(differing, "difference")}; npx natstate rebuild makes a new store`);
}

interface Verified {
  readonly type: ActorType;
  readonly found: Verification;
}

function choose(types: readonly ActorType[], { type, ids, sample, all }: VerifyOptions): readonly ActorType[] {
  const ways = [...ids.values(), sample, all].filter((way) => way !== undefined).length;
  const own = types.map(({ name }) => `--${name}`).join(", ");
  if (ways > 1) throw new CliError("usage", `say which: ${own}, --sample or --all (one of them)`);
  const [one] = ids.keys();
  if (one === undefined) return chosenTypes(types, type);
  if (type !== undefined && type !== one.name) throw new CliError("usage", `--${one.name} is not of --type ${type}`);
  return [one];
}

/** Of the types the store has ever read. */
async function verifyEach(
  types: readonly ActorType[],
  log: Session,
  options: VerifyOptions,
  onProgress: OnProgress,
): Promise<Verified[]> {
  const config = readConfig(process.env);
  const storeFile = join(config.NATSTATE_DATA, "natstate.db");
  const all: Verified[] = [];
  for (const type of types) {
    const maxBytes = config.NATSTATE_MAX_EVENT_BYTES;
    const found = await verify({ log, storeFile, type, selection: select(type, options), maxBytes, onProgress });
    if (found !== undefined) all.push({ type, found });
  }
  return all;
}

function notFound(id: string, verified: readonly Verified[]): CliError {
  const others = verified.flatMap(({ found }) => found.elsewhere);
  const where = others.length === 0 ? "" : `; partitions ${others} are another daemon's: try its NATSTATE_DATA`;
  return new CliError(
    "not_found",
    `no ${oneOf(verified.map(({ type }) => type))} ${id}, neither in the store nor in the stream${where}`,
  );
}

/** Numbers add up; a difference names its actor by its type's own field. */
function sumUp(verified: readonly Verified[]): object {
  const sum = (count: (found: Verification) => number) => verified.reduce((all, { found }) => all + count(found), 0);
  const elsewhere = [...new Set(verified.flatMap(({ found }) => found.elsewhere))];
  return {
    checked: sum(({ checked }) => checked),
    retired: sum(({ retired }) => retired),
    fromStore: sum(({ fromStore }) => fromStore),
    otherHistories: sum(({ otherHistories }) => otherHistories),
    differing: sum(({ found }) => found),
    ...(elsewhere.length > 0 && { partitionsElsewhere: elsewhere }),
    differences: verified.flatMap(({ type: { idField }, found: { differences } }) =>
      differences.map(({ actorId, ...difference }) => ({ [idField]: actorId, ...difference })),
    ),
  };
}

function select(type: ActorType, { ids, sample = SAMPLE, all }: VerifyOptions): Selection {
  if (all) return "all";
  const id = ids.get(type);
  return id === undefined ? { sample } : { actorId: checkActorId(type, id) };
}

function render({ type, found: verification }: Verified, { ids }: VerifyOptions): string[] {
  const { checked, retired, fromStore, otherHistories, found, differences, elsewhere } = verification;
  const id = ids.get(type);
  if (id !== undefined && retired > 0) return [`${type.name} ${id} is retired: there is nothing of it to compare`];
  const lines = differences.map(describeDifference);
  if (found > differences.length) lines.push(`... and ${found - differences.length} more`);
  if (otherHistories > 0) {
    lines.push(
      `${otherHistories} ${type.collection} have decisions in their past that the log does not give today, as DECISIONS has them: by another writer, or by older rules`,
    );
  }
  const aged = fromStore === 0 ? "" : `, ${fromStore} of their events only in the store: they have left the stream`;
  const others = retired === 0 ? "" : `; ${retired} more are retired, there is nothing of them to compare`;
  const looked = `${checked} ${type.collection} derived from the stream${aged}`;
  const outcome = found === 0 ? "the store and DECISIONS say the same" : countOf(found, "difference");
  const missed =
    elsewhere.length === 0
      ? []
      : [
          `not verified: ${type.collection} of partitions ${elsewhere.join(", ")}, which another daemon reads; run this with its NATSTATE_DATA`,
        ];
  return [...lines, ...(lines.length > 0 ? [""] : []), `${looked}: ${outcome}${others}`, ...missed];
}
