import { join } from "node:path";
import type { Command } from "commander";
import type { ActorType } from "../../machines/actor-type.ts";
import { readConfig } from "../config.ts";
import { describeDifference } from "../repair/compare.ts";
import { type Selection, verify } from "../repair/verify.ts";
import type { Verification } from "../repair/verify-all.ts";
import { checkActorId, findType, typeOption, wholeNumber, withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { addSystemOption } from "./nats-option.ts";
import { print, printJson } from "./output.ts";
import { showProgress } from "./progress-line.ts";
import { withSystem } from "./system.ts";

interface VerifyOptions {
  readonly type: string;
  readonly order?: string;
  readonly sample?: number;
  readonly all?: boolean;
  readonly nats?: string;
  readonly json?: boolean;
}

const SAMPLE = 100;

/** Adds `natstate verify`: exit code 1 when the store says anything that does not follow from the log. */
export function addVerify(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("verify")
    .description(
      "Derive orders anew from the stream and compare them with the store and with DECISIONS. Reads only; the daemon goes on.",
    )
    .option("--order <id>", "this one")
    .option("--sample <n>", `so many at random (default: ${SAMPLE})`, wholeNumber(1, 1_000_000))
    .option("--all", "every one; needs room for the store twice under NATSTATE_DATA")
    .addOption(typeOption(types))
    .option("--json", "print JSON")
    .action((options: VerifyOptions) => run(types, options));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate verify", `${SAMPLE} orders at random; exit code 1 when anything differs`],
    ["npx natstate verify --order ORD-1001", "one; exit code 3 when there is no such order"],
    ["npx natstate verify --all --json", "the whole store"],
  ]);
}

async function run(types: readonly ActorType[], options: VerifyOptions): Promise<void> {
  const type = findType(types, options.type);
  const selection = select(type, options);
  const config = readConfig(process.env);
  const progress = showProgress();
  const found = await withSystem(options.nats, ({ session }) =>
    verify({
      log: session,
      storeFile: join(config.NATSTATE_DATA, "natstate.db"),
      type,
      selection,
      maxBytes: config.NATSTATE_MAX_EVENT_BYTES,
      onProgress: progress.show,
    }),
  ).finally(progress.end);
  if (options.order !== undefined && found.checked + found.retired === 0) {
    throw new CliError("not_found", `no ${type.name} ${options.order}, neither in the store nor in the stream`);
  }
  const isRetired = options.order !== undefined && found.retired > 0;
  const { found: differing, ...others } = found;
  if (options.json)
    printJson({ ...others, differing, differences: found.differences.map((each) => named(type, each)) });
  else if (isRetired) print(`${type.name} ${options.order} is retired: there is nothing of it to compare`);
  else print(render(type, found));
  if (differing > 0) throw new CliError("failed", `${differing} differences; npx natstate rebuild makes a new store`);
}

function select(type: ActorType, { order, sample, all }: VerifyOptions): Selection {
  const ways = [order, sample, all].filter((way) => way !== undefined).length;
  if (ways > 1) throw new CliError("usage", "say which: --order, --sample or --all (one of the three)");
  if (all) return "all";
  return order === undefined ? { sample: sample ?? SAMPLE } : { actorId: checkActorId(type, order) };
}

function named(type: ActorType, { actorId, ...difference }: Verification["differences"][number]): object {
  return { [type.idField]: actorId, ...difference };
}

function render(type: ActorType, verification: Verification): string {
  const { checked, retired, fromStore, otherHistories, found, differences } = verification;
  const lines = differences.map(describeDifference);
  if (found > differences.length) lines.push(`... and ${found - differences.length} more`);
  const aged = fromStore === 0 ? "" : `, ${fromStore} of their events only in the store: they have left the stream`;
  if (otherHistories > 0) {
    lines.push(
      `${otherHistories} ${type.collection} have decisions in their past that the log does not give today, as DECISIONS has them: by another writer, or by older rules`,
    );
  }
  const others = retired === 0 ? "" : `; ${retired} more are retired, there is nothing of them to compare`;
  const looked = `${checked} ${type.collection} derived from the stream${aged}`;
  const outcome = found === 0 ? "the store and DECISIONS say the same" : `${found} differences`;
  return [...lines, ...(lines.length > 0 ? [""] : []), `${looked}: ${outcome}${others}`].join("\n");
}
