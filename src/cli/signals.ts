import { constants } from "node:os";

/** By which a person or a system ends a process; SIGHUP: the terminal was closed. */
export const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Lets signals end the process by `exit`, so that what is to be removed at its end is; with the code a shell expects. */
export function exitOnSignals(): void {
  for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

/** Lets signals end a command's work, not the process: each aborts, and is the reason. Until it is disposed of. */
export function endOnSignals(): AbortController & Disposable {
  const ending = new AbortController();
  const end = (signal: NodeJS.Signals) => ending.abort(signal);
  for (const signal of SIGNALS) process.on(signal, end);
  return Object.assign(ending, {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, end);
    },
  });
}
