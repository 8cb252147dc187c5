import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { COMPILED } from "./cli-run.ts";

/** A real daemon in a process of its own, started as `natstate start` starts it. */
export interface DaemonProcess {
  readonly pid: number;
  readonly httpUrl: string;
  readonly natsUrl: string;
  /** What it has written to its outputs so far. */
  output(): string;
  /** SIGTERM; resolves to its exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  kill9(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves to its exit code when it ends by itself. */
  readonly exited: Promise<number | null>;
}

const ROOT = join(import.meta.dirname, "../..");

/** Starts the CLI's `start` without waiting for anything. */
export function spawnDaemon(env: Record<string, string>, args: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, ["src/cli.ts", "start", ...args], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_COMPILE_CACHE: COMPILED,
      NATSTATE_LOG_LEVEL: "warn",
      NATSTATE_HTTP: "127.0.0.1:0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/**
 * Starts a daemon and resolves when it is ready; or as soon as it answers, however that is.
 *
 * @param env - at least NATSTATE_DATA, and NATS_URL unless it shall embed its own server.
 */
export async function startDaemonProcess(
  env: Record<string, string> & { NATSTATE_DATA: string },
  args: readonly string[] = [],
  timeoutMs = 60_000,
  wanted: "ready" | "up" = "ready",
): Promise<DaemonProcess> {
  const child = spawnDaemon(env, args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const runtime = await until(
    `daemon is up\n${output}`,
    () => {
      if (!isRunning()) throw new Error(`the daemon ended with ${child.exitCode}:\n${output}`);
      return readRuntime(env.NATSTATE_DATA, child.pid);
    },
    timeoutMs,
  );
  await until(
    `daemon is ${wanted}`,
    async () => {
      if (!isRunning()) throw new Error(`the daemon ended with ${child.exitCode}:\n${output}`);
      const answer = await fetch(`${runtime.httpUrl}/readyz`).catch(() => undefined);
      return wanted === "up" ? answer !== undefined : answer?.ok;
    },
    timeoutMs,
  );
  return {
    pid: runtime.pid,
    httpUrl: runtime.httpUrl,
    natsUrl: runtime.natsUrl,
    output: () => output,
    exited,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
    async kill9() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

interface Runtime {
  readonly pid: number;
  readonly natsUrl: string;
  readonly httpUrl: string;
}

function readRuntime(dataDir: string, pid: number | undefined): Runtime | undefined {
  try {
    const runtime = JSON.parse(readFileSync(join(dataDir, "natstate.json"), "utf8")) as Runtime;
    return runtime.pid === pid ? runtime : undefined;
  } catch {
    return undefined;
  }
}
