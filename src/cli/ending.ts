import type { Logger } from "pino";
import { EXIT_CODES } from "./exit-codes.ts";
import { SAME_SIGNAL_MS, SIGNALS } from "./signals.ts";

/** A stop that takes longer is cut off: what is left is taken up by the next start. */
const STOP_WITHIN_MS = 9500;

/** How a daemon, or the supervisor of several, ends. */
export type Ending = ReturnType<typeof awaitEnding>;

/**
 * Waits for the first signal or fatal error, and makes sure that the process ends once it has come.
 *
 * @param signals - those that end it; the others are left to whoever started it.
 */
export function awaitEnding(
  logger: Logger,
  signals: readonly NodeJS.Signals[] = SIGNALS,
  stopWithinMs = STOP_WITHIN_MS,
) {
  const controller = new AbortController();
  const { promise: reason, resolve: settle } = Promise.withResolvers<number>();
  let sinceMs: number | undefined;

  function end(code: number): void {
    sinceMs = performance.now();
    // Referenced, so that a stop that hangs cannot outlast it.
    setTimeout(() => {
      logger.warn("not everything was closed in time, the next start takes up what is left");
      process.exit(code);
    }, stopWithinMs);
    settle(code);
    controller.abort();
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (sinceMs === undefined) {
      logger.info({ signal }, "stopping: publishing what is due; a second signal exits at once");
      end(EXIT_CODES.ok.code);
    } else if (performance.now() - sinceMs > SAME_SIGNAL_MS) {
      logger.warn({ signal }, "exiting at once");
      process.exit(EXIT_CODES.failed.code);
    }
  }
  for (const signal of SIGNALS) process.on(signal, signals.includes(signal) ? onSignal : () => {});

  return {
    /** The exit code. */
    reason,
    /** Aborted when the end has come. Named, as the package's declarations cannot infer it. */
    signal: controller.signal as AbortSignal,
    fail(error: Error): void {
      logger.error({ err: error }, error.message);
      if (sinceMs === undefined) end(EXIT_CODES.failed.code);
    },
    /** As a signal does, without one. */
    stop(): void {
      if (sinceMs === undefined) end(EXIT_CODES.ok.code);
    },
  };
}
