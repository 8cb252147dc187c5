import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How a command ended, and what it said. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The checkout, where commands are run. */
export const ROOT = join(import.meta.dirname, "../..");

/** A command that was started. */
export interface Running {
  /** What it has written to stdout so far. */
  stdout(): string;
  /** The same of stderr. */
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ran: Promise<Ran>;
}

/** Commands are many and short: compiled code kept from one to the next halves the time of each. */
export const COMPILED = join(tmpdir(), "natstate-test-compiled");

/** Starts `natstate <args>` as a process of its own, with nothing in its environment but `env`. */
export function startCli(args: readonly string[], env: Record<string, string>): Running {
  return startProgram(process.execPath, ["src/cli.ts", ...args], env);
}

/** Starts any program as {@link startCli} does. @param cwd - where; absent: in the checkout. */
export function startProgram(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd: string = ROOT,
): Running {
  const own = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: COMPILED, ...env };
  const child = spawn(file, args, { cwd, env: own, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    said.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said.stderr += chunk;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    kill: (signal) => void child.kill(signal),
    ran: once(child, "close").then(([code]) => ({ code: code as number | null, ...said })),
  };
}

/** Runs `natstate <args>` to its end. */
export function runCli(args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return startCli(args, env).ran;
}
