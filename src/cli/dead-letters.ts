import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { DeadLetterHead } from "../jetstream/dead-letters.ts";
import { wholeNumber, withExamples } from "./arguments.ts";
import { addSystemOption, ofTypeOption } from "./asking.ts";
import {
  type Common,
  findOne,
  reasonOption,
  type Selecting,
  selectionOf,
  withDeadLetters,
} from "./dead-letter-choice.ts";
import { encodeBody, renderBody, renderDeadLetter, renderDeadLetters } from "./dead-letters-text.ts";
import { print, printJson } from "./output.ts";
import { addRedrive } from "./redrive.ts";

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
    .action(async (sequence: number, options: Common & { raw?: boolean }) => {
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
