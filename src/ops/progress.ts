/** One line that says how far a long step is. */
export type Progress = ReturnType<typeof createProgress>;

const TERMINAL_EVERY_MS = 80;
const PLAIN_EVERY_MS = 5000;

/** On a terminal one line that is written over; elsewhere a line every few seconds, so that a log stays short. */
export function createProgress(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS;
  let shownAtMs = performance.now();
  let isShown = false;

  /** May be called as often as one likes; most lines are not shown. */
  function show(line: string): void {
    if (performance.now() - shownAtMs < everyMs) return;
    shownAtMs = performance.now();
    isShown = isTerminal;
    stream.write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }

  /** Takes the line away again. */
  function clear(): void {
    if (isShown) stream.write("\r\x1b[2K");
    isShown = false;
  }

  return {
    show,
    clear,
    /** As `show`: so much of a whole. */
    count: (what: string, done: number, total: number) =>
      show(`${what}: ${done} of ${total} (${Math.floor((100 * done) / Math.max(1, total))} %)`),
    /** A new step: shown at once on a terminal. */
    step(line: string): void {
      if (isTerminal) shownAtMs = Number.NEGATIVE_INFINITY;
      show(line);
    },
    /** Says how it ended, to be read afterwards. */
    end(line: string): void {
      clear();
      stream.write(`${line}\n`);
    },
  };
}
