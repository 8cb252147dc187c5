/** Prints to stdout, with a newline. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints one JSON document, indented: for `--json`. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Says something about the command itself, on stderr, so that stdout stays clean for pipes. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * A reader that closes its end of a pipe (`natstate watch | head -1`) has seen enough: that is no failure.
 *
 * @param onClosed - called instead of an uncaught EPIPE.
 */
export function onClosedPipe(onClosed: () => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") return onClosed();
      throw error;
    });
  }
}
