import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { checkEvent } from "../flow/check-event.ts";
import {
  type DeadLetterHead,
  type DeadLetterMessage,
  type DeadLetterSelection,
  type DeadLetters,
  openDeadLetters,
  releaseOf,
} from "../jetstream/dead-letters.ts";
import { eventStream } from "../wire/names.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { gather, wholeNumber, withExamples } from "./arguments.ts";
import { type AskingOptions, addSystemOption, findType, ofTypeOption, type TypedOptions } from "./asking.ts";
import { describeRedriven, encodeBody, renderBody, renderDeadLetter, renderDeadLetters } from "./dead-letters-text.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson, say } from "./output.ts";
import { withSystem } from "./system.ts";

/** Adds `natstate dead-letters list|show|redrive`. They work on DEAD_LETTERS itself, so no daemon need run. */
export function addDeadLetters(program: Command, types: readonly ActorType[]): void {
  const group = program
    .command("dead-letters")
    .description("Look at the messages that could not be read as events, and send them again.");
  addList(group, types);
  addShow(group);
  addRedrive(group, types);
}

function addList(group: Command, types: readonly ActorType[]): void {
  const command = group
    .command("list")
    .description("List dead letters, newest first.")
    .addOption(reasonOption())
    .addOption(ofTypeOption(types))
    .option("--limit <n>", "how many at most", wholeNumber(1, 100_000), 50)
    .option("--json", "print JSON")
    .action(async (options: Selecting & { limit: number }) => {
      const found = await withDeadLetters(options, (letters) =>
        letters.latest(selectionOf(types, options), options.limit),
      );
      if (options.json) printJson({ deadLetters: found.map(named) });
      else print(renderDeadLetters(found));
    });
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate dead-letters list", "the newest 50"],
    ["npx natstate dead-letters list --reason invalid_event --json", "of one reason, as JSON"],
  ]);
}

function addShow(group: Command): void {
  const command = group
    .command("show")
    .description("Show one dead letter: why, whence, its headers and its original bytes.")
    .argument("<sequence>", "its sequence in DEAD_LETTERS, as list shows it", wholeNumber(1))
    .option("--raw", "write the original bytes and nothing else; to a terminal, only what cannot steer it")
    .option("--json", "print JSON; the body as text when it is UTF-8, otherwise as base64")
    .action(async (sequence: number, options: AskingOptions & { raw?: boolean }) => {
      const letter = await withDeadLetters(options, (letters) => findOne(letters, sequence));
      if (options.raw && process.stdout.isTTY) print(renderBody(letter.body));
      else if (options.raw) process.stdout.write(letter.body);
      else if (options.json) printJson({ ...named(letter), ...encodeBody(letter.body) });
      else print(renderDeadLetter(letter));
    });
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate dead-letters show 17", "for a person"],
    ["npx natstate dead-letters show 17 --raw > event.json", "to correct it and send it with redrive --body"],
  ]);
}

/** `sequence` is one of DEAD_LETTERS here, in the HTTP API one of the event stream: this name says which. */
function named<Head extends DeadLetterHead>(letter: Head) {
  return { ...letter, deadLetterSequence: letter.sequence };
}

interface RedriveOptions extends Selecting {
  readonly all?: boolean;
  readonly body?: string;
  readonly dryRun?: boolean;
  readonly again?: boolean;
  readonly force?: boolean;
}

function addRedrive(group: Command, types: readonly ActorType[]): void {
  const command = group
    .command("redrive")
    .description(
      "Publish dead letters again, as they came, to where they had been sent. The same event twice has one effect; a message that still cannot be read becomes a new dead letter.",
    )
    .argument("[sequences...]", "their sequences in DEAD_LETTERS", (text: string, before: number[] | undefined) =>
      gather(wholeNumber(1)(text), before),
    )
    .addOption(reasonOption())
    .addOption(ofTypeOption(types))
    .option("--all", "all that were not redriven before")
    .option("--again", "with --all or --reason: also those redriven before whose copy came back, and the copies")
    .option("--body <file>", "send this file's bytes in place of the original ones; for one dead letter")
    .option("--force", "send the body although it cannot be read as an event")
    .option("--dry-run", "only say what would be sent")
    .option("--json", "print JSON")
    .action((sequences: number[] | undefined, options: RedriveOptions) => redrive(types, sequences ?? [], options));
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate dead-letters redrive 17 18", "these two"],
    ["npx natstate dead-letters redrive 17 --body event.json", "corrected by hand"],
    ["npx natstate dead-letters redrive --reason unknown_event_type --dry-run", "what would be sent after an upgrade"],
    ["npx natstate dead-letters redrive --all", "everything that was not redriven before"],
  ]);
}

async function redrive(types: readonly ActorType[], sequences: readonly number[], options: RedriveOptions) {
  checkRedrive(sequences, options);
  const body = options.body === undefined ? undefined : readBody(options.body);
  const outcomes: object[] = [];
  let missed = 0;
  let skipped = 0;
  let held = 0;
  await withDeadLetters(options, async (letters) => {
    const isDone = sequences.length > 0 || options.again ? () => false : await findRedriven(letters, types, options);
    for await (const letter of chosen(letters, types, sequences, options)) {
      if (isDone(letter)) {
        skipped++;
        continue;
      }
      // One that is named gets the reason why not.
      if (sequences.length === 0 && releaseOf(letter) !== undefined) {
        held++;
        continue;
      }
      if (body !== undefined && !options.force) checkBody(types, letter, body);
      const redriven = options.dryRun ? ({ outcome: "would_redrive" } as const) : await letters.redrive(letter, body);
      if (redriven.outcome === "duplicate" || redriven.outcome === "failed") missed++;
      const { sequence, subject } = letter;
      if (options.json) outcomes.push({ sequence, deadLetterSequence: sequence, subject, ...redriven });
      else print(describeRedriven(letter, redriven));
    }
  });
  if (options.json) printJson({ deadLetters: outcomes, skipped, ...(held > 0 && { held }) });
  else if (skipped > 0) print(`${skipped} skipped: redriven before, or copies of those; --again sends them too`);
  if (!options.json && held > 0) print(`${held} left to their quarantine: npx natstate quarantine list`);
  if (missed > 0) {
    throw new CliError("failed", `${missed} not redriven; nothing is lost, they are still in DEAD_LETTERS`);
  }
  if (body !== undefined && !options.dryRun) {
    say("npx natstate dead-letters list shows whether it came back as another dead letter");
  }
}

/** A letter sent again that still cannot be read is in the stream twice. Sent once more, both would be: 6, 12, 24. */
async function findRedriven(
  letters: DeadLetters,
  types: readonly ActorType[],
  { type }: RedriveOptions,
): Promise<(letter: DeadLetterMessage) => boolean> {
  const redriven = new Set<number>();
  // Of any reason: a copy may have come back for another one than its original.
  for await (const { redrivenFrom } of letters.each(selectionOf(types, type === undefined ? {} : { type }))) {
    if (redrivenFrom !== null) redriven.add(redrivenFrom);
  }
  return ({ sequence, redrivenFrom }) => redrivenFrom !== null || redriven.has(sequence);
}

/** A correction that is none would only make another dead letter. */
function checkBody(types: readonly ActorType[], { subject, stream, headers }: DeadLetterMessage, body: Uint8Array) {
  const type = types.find((candidate) => eventStream(candidate) === stream);
  if (type === undefined) return;
  const rejected = checkEvent(type, { subject, body, headers }, readConfig(process.env).NATSTATE_MAX_EVENT_BYTES);
  if (rejected === undefined) return;
  const message = `--body would be a dead letter again, nothing was sent: ${rejected.reason}: ${rejected.error}. Correct it; --force sends it as it is`;
  throw new CliError("usage", message);
}

function readBody(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError("usage", `--body: ${(error as Error).message}`, { cause: error });
  }
}

function checkRedrive(sequences: readonly number[], { all, reason, body, again, force }: RedriveOptions): void {
  const ways = [sequences.length > 0, reason !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1) throw new CliError("usage", "say which: their sequences, or --reason, or --all (one of the three)");
  if (body !== undefined && sequences.length !== 1) throw new CliError("usage", "--body is for one sequence");
  if (force && body === undefined) throw new CliError("usage", "--force is for --body");
  if (again && sequences.length > 0) {
    throw new CliError("usage", "--again is for --all and --reason: sequences are sent as often as they are named");
  }
}

/** Sequences are all looked up before the first is sent: a mistyped one sends nothing. */
async function* chosen(
  letters: DeadLetters,
  types: readonly ActorType[],
  sequences: readonly number[],
  options: RedriveOptions,
): AsyncGenerator<DeadLetterMessage> {
  if (sequences.length === 0) yield* letters.each(selectionOf(types, options));
  else yield* await Promise.all([...new Set(sequences)].map((sequence) => findOne(letters, sequence)));
}

interface Selecting extends TypedOptions {
  readonly reason?: string;
}

/** @throws CliError `not_found` when DEAD_LETTERS holds no such message. */
async function findOne(letters: DeadLetters, sequence: number): Promise<DeadLetterMessage> {
  const letter = await letters.find(sequence);
  if (letter === undefined) throw new CliError("not_found", `no dead letter ${sequence} in DEAD_LETTERS`);
  return letter;
}

/** Connects, and lets `use` work with DEAD_LETTERS. */
function withDeadLetters<Result>(
  { nats }: AskingOptions,
  use: (letters: DeadLetters) => Promise<Result>,
): Promise<Result> {
  return withSystem(nats, ({ session }) => use(openDeadLetters(session)));
}

/** The options, as the stream is asked. */
function selectionOf(types: readonly ActorType[], { type, reason }: Selecting): DeadLetterSelection {
  return {
    ...(type === undefined ? {} : { collection: findType(types, type).collection }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function reasonOption(): Option {
  return new Option("--reason <reason>", "only rejected for this").choices([...REJECTION_REASONS]);
}
