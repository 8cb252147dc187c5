import { constants } from "node:os";

/** By which a person or a system ends a process; SIGHUP: the terminal was closed. */
export const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Lets signals end the process by `exit`, so that what is to be removed at its end is; with the code a shell expects. */
export function exitOnSignals(): void {
  for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** One Ctrl-C under npm arrives twice, from the terminal and from npm; a person needs longer for two. */
export const SAME_SIGNAL_MS = 100;

/**
 * Lets signals end a command's work, not the process: the first aborts, and is the reason; a second one ends the process at
 * once. Until it is disposed of.
 */
export function endOnSignals(): AbortController & Disposable {
  const ending = new AbortController();
  let sinceMs = 0;
  const end = (signal: NodeJS.Signals) => {
    if (!ending.signal.aborted) sinceMs = performance.now();
    ending.abort(signal);
    if (performance.now() - sinceMs > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  return Object.assign(ending, {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, end);
    },
  });
}
