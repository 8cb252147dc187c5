import type { Worker } from "node:cluster";
import type { Logger } from "pino";
import { createPauses } from "../nats-server/pauses.ts";
import type { DataDirectory } from "./directories.ts";
import type { FromDaemon, Sibling, ToDaemon } from "./messages.ts";

/** One daemon in a process of its own. */
export interface KeptDaemon {
  readonly directory: DataDirectory;
  /** As it is now. */
  look(): Sibling;
  tell(message: ToDaemon): void;
  /** Why it is not started again, or is not to be; undefined while it is kept. */
  outcome(): "fatal" | "left" | "stopped" | undefined;
  /** Resolves when it has ended for good. Not started again once `stop` was called. */
  readonly ended: Promise<void>;
  stop(): void;
  /** At once. */
  kill(): void;
}

export interface KeptDaemonOptions {
  readonly directory: DataDirectory;
  readonly logger: Logger;
  /** @param isFirst - of its starts: what was accepted for a start is not accepted for each. */
  readonly fork: (isFirst: boolean) => Worker;
  /** Told all that it says. */
  readonly onMessage: (message: FromDaemon, from: KeptDaemon) => void;
  /** What `look` says may have changed. */
  readonly onChange: () => void;
}

/** Who is up says every half second how it is; as long as a frozen one keeps its partitions. */
const SILENT_MS = 5000;
const PAUSES = { firstMs: 200, longestMs: 30_000, steadyMs: 60_000 };

/**
 * Starts a daemon, and again whenever it ends: after a pause that grows as long as it does not run well. One that has ended
 * because of what only a person can resolve, or because its partitions have moved, is not started again.
 */
export function keepDaemon(options: KeptDaemonOptions): KeptDaemon {
  const { directory, logger, fork, onMessage, onChange } = options;
  const { daemon } = directory;
  const pauseAfter = createPauses(PAUSES);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let trouble: string | null = "is starting";
  let outcome: ReturnType<KeptDaemon["outcome"]>;
  let waiting: NodeJS.Timeout | undefined;
  const silence = createSilence(options, () => become("does not answer"));
  let worker = start(true);

  function start(isFirst: boolean): Worker {
    const started = fork(isFirst);
    const startedMs = performance.now();
    let refusal: string | undefined;
    started.on("message", (message: FromDaemon) => {
      if (typeof message !== "object" || message === null) return;
      if (message.kind === "refused") refusal = message.message;
      note(message);
      onMessage(message, kept);
    });
    started.once("exit", (code: number | null, signal: string | null) => {
      silence.end();
      if (outcome !== undefined) return end();
      const pauseMs = pauseAfter(performance.now() - startedMs);
      const how = refusal ?? signal ?? `exit code ${code}`;
      logger.error(
        { daemon, pid: started.process.pid, how, restartInMs: pauseMs },
        "a daemon has ended, starting it again",
      );
      become(`has ended (${how}), and is started again`);
      waiting = setTimeout(() => {
        worker = start(false);
      }, pauseMs);
    });
    // A process that could not be made has no exit of its own.
    started.once("error", ({ message }) => started.process.pid ?? started.emit("exit", null, message));
    return started;
  }

  function note(message: FromDaemon): void {
    if (message.kind === "health") {
      silence.begin();
      become(message.ready ? null : `is not ready: ${message.failing.join(", ")}`);
    }
    if (message.kind === "fatal") {
      logger.error({ daemon, problem: message.message }, "a daemon has ended for good: only a person can resolve this");
      become(`has ended: ${message.message}`);
      outcome ??= "fatal";
    }
    if (message.kind === "left") {
      outcome ??= "left";
      become(null);
    }
  }

  function become(now: string | null): void {
    // Until it has ended it says how it is: why it does is what counts.
    if (now === trouble || outcome === "fatal") return;
    trouble = now;
    onChange();
  }

  const kept: KeptDaemon = {
    directory,
    look: () => ({ daemon, trouble: trouble === null ? null : `daemon ${daemon} ${trouble}` }),
    tell(message) {
      // One that is about to end hears nothing, and what it is told is told to its successor when it asks.
      if (worker.isConnected()) worker.send(message, () => {});
    },
    outcome: () => outcome,
    ended,
    stop() {
      outcome ??= "stopped";
      clearTimeout(waiting);
      if (worker.isDead()) end();
      else kept.tell({ kind: "stop" });
    },
    kill: () => void worker.process.kill("SIGKILL"),
  };
  return kept;
}

/** Told when one that has spoken says nothing for long. */
function createSilence({ directory, logger }: KeptDaemonOptions, onSilent: () => void) {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(): void {
      clearTimeout(timer);
      timer = setTimeout(() => {
        logger.warn({ daemon: directory.daemon }, "a daemon does not answer: it is frozen, or its work never returns");
        onSilent();
      }, SILENT_MS).unref();
    },
    end: () => clearTimeout(timer),
  };
}
