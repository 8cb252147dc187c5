import { say } from "./output.ts";

/** Tells on stderr how far a long step is: one line that changes on a terminal, elsewhere a line every few seconds. */
export interface ProgressLine {
  show(what: string, done: number, total: number): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

const TERMINAL_EVERY_MS = 100;
const PIPE_EVERY_MS = 5000;

export function showProgress(): ProgressLine {
  const isTerminal = process.stderr.isTTY === true;
  const everyMs = isTerminal ? TERMINAL_EVERY_MS : PIPE_EVERY_MS;
  let lastMs = performance.now();
  let shown = false;
  return {
    show(what, done, total) {
      const nowMs = performance.now();
      if (nowMs - lastMs < everyMs) return;
      lastMs = nowMs;
      const line = `${what}: ${done} of ${total} (${Math.floor((100 * done) / Math.max(1, total))} %)`;
      if (isTerminal) process.stderr.write(`\r\x1b[K${line}`);
      else say(line);
      shown = true;
    },
    end() {
      if (shown && isTerminal) process.stderr.write("\r\x1b[K");
    },
  };
}
