/** One line that says how far a long step is. */
export interface Progress {
  show(line: string): void;
  /** Takes the line away again. */
  clear(): void;
}

const TERMINAL_EVERY_MS = 80;
const PLAIN_EVERY_MS = 2000;

/** On a terminal one line that is written over; elsewhere a line every two seconds, so that a log stays short. */
export function createProgress(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Progress {
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS;
  let shownAtMs = performance.now() - (isTerminal ? everyMs : 0);
  let isShown = false;
  return {
    show(line) {
      const nowMs = performance.now();
      if (nowMs - shownAtMs < everyMs) return;
      shownAtMs = nowMs;
      isShown = isTerminal;
      stream.write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
    },
    clear() {
      if (isShown) stream.write("\r\x1b[2K");
      isShown = false;
    },
  };
}
