import { join } from "node:path";
import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { OnProgress } from "../care/derive-store.ts";
import { describeDifference } from "../care/diff.ts";
import { type Selection, type Verification, verify } from "../care/verify.ts";
import { readConfig } from "../config/config.ts";
import type { Session } from "../jetstream/session.ts";
import { createProgress } from "../ops/progress.ts";
import { usedDirectories } from "../supervisor/directories.ts";
import { allOf, checkActorId, exampleNames, oneOf, optionPerType, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, chosenTypes, ofTypeOption, type TypedOptions } from "./asking.ts";
import { CliError, explain } from "./exit-codes.ts";
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
      `Derive ${allOf(types)} anew from the stream and compare them with the store, each where there are several daemons, and with DECISIONS. Reads only; the daemon goes on.`,
    );
  const idsOf = optionPerType<string>(command, types, ({ name }) => new Option(`--${name} <id>`, `this ${name}`));
  command
    .option("--sample <n>", `so many at random of each store (default: ${SAMPLE})`, wholeNumber(1, 1_000_000))
    .option("--all", "every one; needs room for the store twice beside it")
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
  const stores = await withSystem(options.nats, ({ session }) =>
    verifyStores(chosen, session, options, progress.count),
  ).finally(progress.clear);
  const verified = stores.flatMap((store) => store.verified);
  const failed = stores.filter(({ error }) => error !== undefined);
  if (verified.length === 0 && failed.length === 0) {
    const collections = chosen.map(({ collection }) => collection).join(" or ");
    throw new CliError("failed", `the store has not read any ${collections} yet`);
  }
  const isKnown = ({ found }: Verified) => found.checked + found.retired > 0;
  const [id] = options.ids.values();
  if (id !== undefined && failed.length === 0 && !verified.some(isKnown)) throw notFound(id, stores);
  const shown =
    id === undefined ? stores : stores.map((store) => ({ ...store, verified: store.verified.filter(isKnown) }));
  const read = shown.filter((store) => store.verified.length > 0 || store.error !== undefined);
  // What one store lacks any other one may have, also one that is not shown.
  const missed = chosen.map((type) => ({ type, partitions: missedBy(stores, type) }));
  if (options.json) printJson(sumUpStores(read, missed));
  else print(renderStores(read, missed, options));
  const differing = read.flatMap((store) => store.verified).reduce((sum, { found }) => sum + found.found, 0);
  const troubles = [
    ...(differing > 0 ? [`${countOf(differing, "difference")}; npx natstate rebuild makes a new store`] : []),
    ...(failed.length > 0 ? [`not verified: ${failed.map(({ directory }) => directory).join(", ")}`] : []),
  ];
  if (troubles.length > 0) throw new CliError("failed", troubles.join("; "));
}

/** Of one data directory. */
interface VerifiedStore {
  readonly directory: string;
  /** Of the types it has ever read. */
  readonly verified: readonly Verified[];
  /** Why it could not be verified, or not all of it. */
  readonly error?: string;
}

/** Partitions that none of the stores has read as far as their owner. */
interface Missed {
  readonly type: ActorType;
  readonly partitions: readonly number[];
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

/** Of NATSTATE_DATA, and of further daemons below it: where there are several, one that cannot be read costs its own result only. */
async function verifyStores(
  types: readonly ActorType[],
  log: Session,
  options: VerifyOptions,
  onProgress: OnProgress,
): Promise<VerifiedStore[]> {
  const config = readConfig(process.env);
  const asked = types.map((type) => ({ type, selection: select(type, options) }));
  const directories = usedDirectories(config.NATSTATE_DATA);
  const stores: VerifiedStore[] = [];
  for (const { path: directory } of directories) {
    const storeFile = join(directory, "natstate.db");
    const maxBytes = config.NATSTATE_MAX_EVENT_BYTES;
    const verified: Verified[] = [];
    try {
      for (const each of asked) {
        const found = await verify({ ...{ log, storeFile, maxBytes, onProgress }, ...each });
        if (found !== undefined) verified.push({ type: each.type, found });
      }
      stores.push({ directory, verified });
    } catch (error) {
      if (directories.length === 1) throw error;
      stores.push({ directory, verified, error: explain(error).message ?? String(error) });
    }
  }
  return stores;
}

function notFound(id: string, stores: readonly VerifiedStore[]): CliError {
  const types = [...new Set(stores.flatMap(({ verified }) => verified.map(({ type }) => type)))];
  const others = types.flatMap((type) => missedBy(stores, type));
  const what = stores.length === 1 ? "the store" : `any of ${stores.length} stores`;
  const where =
    others.length === 0 ? "" : `; partitions ${[...new Set(others)]} are another daemon's: try its NATSTATE_DATA`;
  return new CliError("not_found", `no ${oneOf(types)} ${id}, neither in ${what} nor in the stream${where}`);
}

/** Partitions of a type of which every one of these stores is behind its owner. */
function missedBy(stores: readonly VerifiedStore[], type: ActorType): number[] {
  const ofType = stores.flatMap(({ verified }) => verified.filter((each) => each.type === type));
  const [first, ...rest] = ofType.map(({ found }) => found.elsewhere);
  return (first ?? []).filter((partition) => rest.every((elsewhere) => elsewhere.includes(partition)));
}

/** As of one store where there is one; else also each by itself. */
function sumUpStores(stores: readonly VerifiedStore[], missed: readonly Missed[]): object {
  const elsewhere = [...new Set(missed.flatMap(({ partitions }) => partitions))];
  const { partitionsElsewhere, ...sum } = sumUp(stores.flatMap(({ verified }) => verified));
  const all = { ...sum, ...(elsewhere.length > 0 && { partitionsElsewhere: elsewhere }) };
  if (stores.length === 1 && stores[0]?.error === undefined) return all;
  return {
    ...all,
    stores: stores.map(({ directory, verified, error }) => ({
      ...{ directory, ...sumUp(verified) },
      ...(error !== undefined && { error }),
    })),
  };
}

/** Numbers add up; a difference names its actor by its type's own field. */
function sumUp(verified: readonly Verified[]) {
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

function renderStores(stores: readonly VerifiedStore[], missed: readonly Missed[], options: VerifyOptions): string[] {
  const lines = stores.flatMap(({ directory, verified, error }) => [
    ...(stores.length > 1 || error !== undefined ? [`the store of ${directory}:`] : []),
    ...verified.flatMap((each) => render(each, options)),
    ...(error === undefined ? [] : [`not verified: ${error}`]),
  ]);
  return [...lines, ...missed.flatMap(renderMissed)];
}

function renderMissed({ type: { collection }, partitions }: Missed): string[] {
  if (partitions.length === 0) return [];
  const which = `${collection} of partitions ${partitions.join(", ")}`;
  return [`not verified: ${which}, which another daemon reads; run this with its NATSTATE_DATA`];
}

function render({ type, found: verification }: Verified, { ids }: VerifyOptions): string[] {
  const { checked, retired, fromStore, otherHistories, found, differences } = verification;
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
  return [...lines, ...(lines.length > 0 ? [""] : []), `${looked}: ${outcome}${others}`];
}
