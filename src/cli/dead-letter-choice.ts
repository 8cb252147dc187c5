import { Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import {
  type DeadLetterMessage,
  type DeadLetterSelection,
  type DeadLetters,
  openDeadLetters,
} from "../jetstream/dead-letters.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { findType } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { withSystem } from "./system.ts";

/** What every command about dead letters takes. */
export interface Common {
  readonly nats?: string;
  readonly json?: boolean;
}

/** Which dead letters. */
export interface Selecting extends Common {
  readonly type?: string;
  readonly reason?: string;
}

/** @throws CliError `not_found` when DEAD_LETTERS holds no such message. */
export async function findOne(letters: DeadLetters, sequence: number): Promise<DeadLetterMessage> {
  const letter = await letters.find(sequence);
  if (letter === undefined) throw new CliError("not_found", `no dead letter ${sequence} in DEAD_LETTERS`);
  return letter;
}

/** Connects, and lets `use` work with DEAD_LETTERS. */
export function withDeadLetters<Result>(
  { nats }: Common,
  use: (letters: DeadLetters) => Promise<Result>,
): Promise<Result> {
  return withSystem(nats, ({ session }) => use(openDeadLetters(session)));
}

/** The options, as the stream is asked. */
export function selectionOf(types: readonly ActorType[], { type, reason }: Selecting): DeadLetterSelection {
  return {
    ...(type === undefined ? {} : { collection: findType(types, type).collection }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** `--reason <reason>`. */
export function reasonOption(): Option {
  return new Option("--reason <reason>", "only rejected for this").choices([...REJECTION_REASONS]);
}
