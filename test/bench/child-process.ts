import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type ChildInput, type Request, toEnvironment, type Usage } from "./child.ts";
import type { Stalls } from "./stalls.ts";

/** Somebody who is measured, in a process of its own. */
export interface BenchChild {
  readonly pid: number;
  /** @throws when it dies first. */
  unlessDead<Value>(work: Promise<Value>): Promise<Value>;
  /** Of the process so far. */
  maxRssMib(): Promise<number>;
  /** What held it up since it was last asked; null of one that does not watch. */
  stalls(): Promise<Stalls | null>;
  /** Ends it: by asking, after 20 s by force. */
  end(): Promise<void>;
}

export interface BenchChildOptions extends ChildInput {
  readonly name: string;
  readonly file: URL;
  readonly execArgv?: readonly string[];
  /** Beside our own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts one that calls `obeyParent`. */
export function startBenchChild(options: BenchChildOptions): BenchChild {
  const { name, file, execArgv = [], env } = options;
  const child = fork(file, {
    env: { ...process.env, ...env, ...toEnvironment(options) },
    execArgv: [...execArgv],
    // What it logs must not get between our figures.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const died = once(child, "exit").then(([code, signal]) => {
    throw new Error(`${name} died (${signal ?? code})`);
  });
  died.catch(() => {});
  const ready = once(child, "message");

  function unlessDead<Value>(work: Promise<Value>): Promise<Value> {
    // When it has died, what else fails for that reason is not told.
    work.catch(() => {});
    return Promise.race([work, died]);
  }

  return {
    pid: child.pid ?? 0,
    unlessDead,
    async maxRssMib() {
      await unlessDead(ready);
      const { maxRssKib } = (await ask(child, "usage")) as Usage;
      return maxRssKib / 1024;
    },
    async stalls() {
      await unlessDead(ready);
      return (await unlessDead(ask(child, "stalls"))) as Stalls | null;
    },
    end: () => end(child),
  };
}

async function ask(child: ChildProcess, request: Request): Promise<unknown> {
  const answer = once(child, "message");
  child.send(request);
  const [value] = await answer;
  return value;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  if (child.connected) child.send("stop" satisfies Request);
  else child.kill("SIGKILL");
  await exited;
  clearTimeout(timer);
}
