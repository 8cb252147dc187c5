import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { CliError } from "./exit-codes.ts";

/*
 * Which system a command asks, and of which actor types.
 */

/** What is said to every command that asks a running system. */
export interface AskingOptions {
  readonly nats?: string;
  readonly json?: boolean;
}

/** The same, of a command that may be about one type only. */
export interface TypedOptions extends AskingOptions {
  /** Absent: all of them. */
  readonly type?: string;
}

/** Adds `--nats <url>`: which running system to talk to. */
export function addSystemOption(command: Command): Command {
  const help = "NATS of the running system (default: NATS_URL, else what `natstate start` wrote, else port 4222)";
  return command.option("--nats <url>", help);
}

/** Adds a command that asks a running system about actors of all types, or of one. */
export function addAsking(program: Command, usage: string, description: string, types: readonly ActorType[]): Command {
  const command = program.command(usage).description(description).addOption(ofTypeOption(types));
  return addSystemOption(command).option("--json", "print JSON");
}

/** `--type <name>`, the first registered type by default. */
export function typeOption(types: readonly ActorType[]): Option {
  const names = types.map((type) => type.name);
  return new Option("--type <name>", "actor type").choices(names).default(names[0]);
}

/** `--type <name>`, all types by default. */
export function ofTypeOption(types: readonly ActorType[]): Option {
  return new Option("--type <name>", "only of this actor type").choices(types.map((type) => type.name));
}

/** The type an option named, or all. */
export function chosenTypes(types: readonly ActorType[], name: string | undefined): readonly ActorType[] {
  return name === undefined ? types : [findType(types, name)];
}

export function findType(types: readonly ActorType[], name: string): ActorType {
  const type = types.find((candidate) => candidate.name === name);
  if (type === undefined) throw new CliError("usage", `there is no actor type ${name}`);
  return type;
}
