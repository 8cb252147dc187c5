import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { PastEvent } from "../testing/arrivals.ts";
import type { Proof } from "../testing/proof.ts";
import { checkActorId, wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, chosenTypes, ofTypeOption, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { countOf, print, printJson } from "./output.ts";
import { withSystem } from "./system.ts";

interface ProveOptions extends TypedOptions {
  readonly id?: string;
  readonly runs: number;
  readonly seed: number;
}

/** Adds `natstate prove`: exit code 1 when the order of arrival makes a difference. */
export function addProve(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("prove")
    .description(
      "Try whether the order in which events arrive makes a difference, twice and over restarts: of events made from the contract, or of an actor's own.",
    )
    .addOption(ofTypeOption(types))
    .option("--id <id>", "an actor of the running system, whose own events are taken")
    .option("--runs <n>", "arrivals that are tried", wholeNumber(1, 1_000_000), 1000)
    .option("--seed <n>", "another seed, other arrivals", wholeNumber(0, 0x7fffffff), 1)
    .option("--json", "print JSON")
    .action((options: ProveOptions) => proveTypes(types, options));
  addSystemOption(command);
  const [type] = types;
  withExamples(command, [
    ["npx natstate prove", "every type; the smallest two arrivals that differ are told as two stories"],
    [`npx natstate prove --type ${type?.name} --runs 10000 --seed 7`, "one type, for longer"],
    [`npx natstate prove --id ${type?.rehearsal?.showcaseId ?? `${type?.name}-1`}`, "the events of one that is there"],
  ]);
}

async function proveTypes(types: readonly ActorType[], options: ProveOptions): Promise<void> {
  const { id, json = false } = options;
  const chosen = chosenTypes(types, options.type);
  const { tellProof } = await import("../testing/proof.ts");
  const proofs: { readonly type: string; readonly id: string | null; readonly proof: Proof }[] = [];
  for (const type of id === undefined ? chosen : chosen.slice(0, 1)) {
    const events = id === undefined ? undefined : await readEvents(type, id, options.nats);
    const proof = await proveOne(type, options, events);
    proofs.push({ type: type.name, id: id ?? null, proof });
    if (json) continue;
    const whose =
      events === undefined ? "events made from its contract" : `the ${countOf(events.length, "event")} of ${id}`;
    const trouble = proof.trouble === undefined ? [] : [`${type.name}: some went wrong: ${proof.trouble}`];
    const isFine = proof.divergence === undefined;
    print([
      ...(isFine ? [`${type.name}: ${countOf(proof.runs, "arrival")} of ${whose}: all came to the same`] : []),
      ...tellProof(type, proof),
      ...trouble,
    ]);
  }
  const failed = proofs.filter(({ proof }) => proof.divergence !== undefined).map(({ type }) => type);
  if (json) {
    printJson({
      converges: failed.length === 0,
      proofs: proofs.map(({ type, id, proof: { runs, seed, divergence, trouble } }) => ({
        ...{ type, id, runs, seed, converges: divergence === undefined },
        ...{ divergence: divergence ?? null, trouble: trouble ?? null },
      })),
    });
  }
  if (failed.length > 0) throw new CliError("failed", `not so of ${failed.join(", ")}`);
}

/** @throws CliError `not_found` when there is no such actor. */
async function readEvents(type: ActorType, id: string, nats: string | undefined): Promise<PastEvent[]> {
  const history = await withSystem(nats, ({ queries }) => queries.history(type, checkActorId(type, id)));
  if (history === undefined) throw new CliError("not_found", `there is no ${type.name} ${id}`);
  return history.events.map(({ eventType, eventId, timestamp, data }) => ({
    ...{ type: eventType, eventId, timestamp },
    body: JSON.stringify(data),
  }));
}

/** Tells a terminal how far it has come. */
async function proveOne(
  type: ActorType,
  { runs, seed, id, json }: ProveOptions,
  events: readonly PastEvent[] | undefined,
): Promise<Proof> {
  const { proveInPieces } = await import("../testing/proof.ts");
  const isTold = process.stderr.isTTY && json !== true;
  const proving = proveInPieces(type, { runs, seed, ...(events && { events }), ...(id !== undefined && { id }) });
  for (;;) {
    const { done, value } = proving.next();
    if (isTold) process.stderr.write(done ? "\r\x1b[K" : `\r${type.name}: ${String(value)} of ${runs}`);
    if (done) return value;
    // So that Ctrl-C is heard.
    await new Promise(setImmediate);
  }
}
