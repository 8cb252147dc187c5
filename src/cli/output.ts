import Table from "cli-table3";

/** What a publisher wrote must not steer the reader's terminal. Tab and newline may stay. */
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Text without what would steer a terminal; control characters become `?`. */
export function toPlain(text: string): string {
  return text.replace(CONTROL, "?");
}

/** Prints text to stdout, with a newline; control characters become `?`. */
export function print(text: string): void {
  process.stdout.write(`${toPlain(text)}\n`);
}

/** Prints one JSON document: for `--json`. `oneLine` is for streams of them. */
export function printJson(value: unknown, { oneLine = false } = {}): void {
  const json = JSON.stringify(value, null, oneLine ? undefined : 2);
  // JSON escapes control characters up to 0x1f only; the others can be written as escapes as well.
  const escaped = json.replace(/[\x7f-\x9f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  process.stdout.write(`${escaped}\n`);
}

/** Says something about the command itself, on stderr, so that stdout stays clean for pipes. */
export function say(text: string): void {
  process.stderr.write(`${toPlain(text)}\n`);
}

/** Lays rows out in columns, the first row above a line. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly (string | number | null)[]>): string {
  const layout = new Table({
    head: [...head],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "",
    },
  });
  for (const row of rows) layout.push(row.map((cell) => String(cell ?? "-")));
  return layout
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Names and values below each other. */
export function pairs(entries: ReadonlyArray<readonly [name: string, value: string]>): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
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
