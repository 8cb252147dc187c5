/** One line that says how far a long step is. */
export interface Progress {
  /** May be called as often as one likes; most lines are not shown. */
  show(line: string): void;
  /** As `show`: so much of a whole. */
  count(what: string, done: number, total: number): void;
  /** A new step: shown at once on a terminal. */
  step(line: string): void;
  /** Takes the line away again. */
  clear(): void;
  /** Says how it ended, to be read afterwards. */
  end(line: string): void;
}

const TERMINAL_EVERY_MS = 80;
const PLAIN_EVERY_MS = 5000;

/** On a terminal one line that is written over; elsewhere a line every few seconds, so that a log stays short. */
export function createProgress(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Progress {
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS;
  let shownAtMs = performance.now();
  let isShown = false;

  function show(line: string): void {
    if (performance.now() - shownAtMs < everyMs) return;
    shownAtMs = performance.now();
    isShown = isTerminal;
    stream.write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  function clear(): void {
    if (isShown) stream.write("\r\x1b[2K");
    isShown = false;
  }

  return {
    show,
    clear,
    count: (what, done, total) =>
      show(`${what}: ${done} of ${total} (${Math.floor((100 * done) / Math.max(1, total))} %)`),
    step(line) {
      if (isTerminal) shownAtMs = Number.NEGATIVE_INFINITY;
      show(line);
    },
    end(line) {
      clear();
      stream.write(`${line}\n`);
    },
  };
}
