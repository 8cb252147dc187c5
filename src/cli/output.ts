import stringWidth from "string-width";
import { toLine, toLines } from "../ops/terminal-text.ts";

/** Prints lines to stdout. A text is one line, whatever a publisher wrote into it: see `terminal-text.ts`. */
export function print(lines: string | readonly string[]): void {
  process.stdout.write(`${[lines].flat().map(toLine).join("\n")}\n`);
}

/** Prints one JSON document: for `--json`. `oneLine` is for streams of them. */
export function printJson(value: unknown, { oneLine = false } = {}): void {
  process.stdout.write(`${toLines(JSON.stringify(value, null, oneLine ? undefined : 2))}\n`);
}

/** Says something about the command itself, on stderr, so that stdout stays clean for pipes. */
export function say(text: string): void {
  process.stderr.write(`${toLines(text)}\n`);
}

/** A cell of a table; null is shown as a dash. */
export type Cell = string | number | null;

const GAP = "  ";
/** Narrower no column is made for a terminal. */
const LEAST_WIDTH = 8;

/**
 * Lays rows out in columns below their names, a line each.
 *
 * @param fit - columns of the terminal: what has no room there ends in an ellipsis, the first column, which names the row,
 *   never does. By default all is given.
 */
export function table(
  head: readonly string[],
  rows: ReadonlyArray<readonly Cell[]>,
  fit = Number.POSITIVE_INFINITY,
): string[] {
  const cells = [head, ...rows].map((row) => row.map((cell) => toLine(String(cell ?? "-"))));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  narrow(widths, fit);
  return cells.map((row) =>
    row
      .map((cell, column) => toWidth(cell, widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** Columns of the terminal stdout is, if it is one. */
export function terminalColumns(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

/** Takes from the widest columns after the first, as long as that is needed and leaves something to read. */
function narrow(widths: number[], fit: number): void {
  const [, ...others] = widths;
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * others.length) - fit;
  for (; excess > 0; excess--) {
    const widest = Math.max(...others);
    if (widest <= LEAST_WIDTH) break;
    others[others.indexOf(widest)] = widest - 1;
  }
  widths.splice(1, others.length, ...others);
}

function toWidth(cell: string, width: number): string {
  let shown = cell;
  if (widthOf(cell) > width) {
    shown = cell.slice(0, width - 1);
    while (widthOf(shown) > width - 1) shown = shown.slice(0, -1);
    shown += "…";
  }
  return shown + " ".repeat(Math.max(0, width - widthOf(shown)));
}

/** Columns a text takes on a terminal. */
function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** `1 event`, `2 events`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Names and values below each other. */
export function pairs(entries: ReadonlyArray<readonly [name: string, value: string]>): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/**
 * A reader that closes its end of a pipe (`natstate watch | head -1`) has seen enough: that is no failure.
 *
 * @param onClosed - called instead of an uncaught EPIPE; takes the place of one given before.
 */
export function onClosedPipe(onClosed: () => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error");
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // EIO: a terminal that was closed.
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      onClosed();
    });
  }
}
