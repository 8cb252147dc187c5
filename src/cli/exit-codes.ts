import { CommanderError } from "commander";
import { permissionError } from "../jetstream/permission.ts";

/** How a command can end. The docs' table and `natstate --help` are made of this. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: "done" },
  failed: { code: 1, meaning: "not done: natstate or NATS cannot be reached, or something was refused" },
  usage: { code: 2, meaning: "the command line or the configuration is wrong; nothing was done" },
  not_found: { code: 3, meaning: "there is no such actor or dead letter, or the actor is retired" },
  not_healthy: { code: 4, meaning: "health: natstate is not running, or not ready; doctor: there is a problem" },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

/** An end that was foreseen: told in one line on stderr, without a stack trace. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
  }
}

/** Errors whose message says what to do, so no stack trace is shown. */
const EXPLAINED = [
  "ContractError",
  "EmbeddedServerError",
  "HttpServerError",
  "NatsSetupError",
  "NoTrafficError",
  "NotSettledError",
  "PublishError",
  "RebuildError",
  "ServerBinaryError",
  "ServerOwnerError",
  "StoreError",
  "StreamIdentityError",
];

const MAY_NOT = "run this as the user that owns it, or give it to this one (chown -R)";
const SYSTEM_ADVICE: Readonly<Record<string, string>> = {
  EACCES: MAY_NOT,
  EPERM: MAY_NOT,
  EROFS: "that disk is mounted read-only",
  ENOSPC: "make room on that disk",
};

/**
 * What a thrown value means for the one who typed the command.
 *
 * @returns the exit code and what to print on stderr; null when commander has printed it already.
 */
export function explain(error: unknown): { code: number; message: string | null } {
  if (error instanceof CommanderError) {
    return { code: error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code, message: null };
  }
  if (error instanceof CliError) return { code: EXIT_CODES[error.exit].code, message: error.message };
  if (!(error instanceof Error)) return { code: EXIT_CODES.failed.code, message: String(error) };
  if (error.name === "ConfigError") return { code: EXIT_CODES.usage.code, message: error.message };
  const permission = permissionError(error);
  if (permission !== undefined) {
    return { code: EXIT_CODES.failed.code, message: `NATS does not allow this user to do that: ${permission.message}` };
  }
  const isExplained = EXPLAINED.includes(error.name);
  const message = isExplained ? error.message : (explainSystem(error) ?? error.stack ?? error.message);
  return { code: EXIT_CODES.failed.code, message };
}

/** An error of the operating system (EACCES, ENOENT) names the file or the port it is about. */
function explainSystem(error: Error & NodeJS.ErrnoException): string | undefined {
  if (error.syscall === undefined) return undefined;
  const advice = error.path === undefined ? undefined : SYSTEM_ADVICE[error.code ?? ""];
  return advice === undefined ? error.message : `${error.message}: ${advice}`;
}
