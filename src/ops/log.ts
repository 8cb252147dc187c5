import pino, { type DestinationStream, type Logger } from "pino";
import { prettyFactory } from "pino-pretty";
import { createLineWriter, type LineWriter } from "./line-writer.ts";
import { redact } from "./redact.ts";
import { toLine, toLines } from "./terminal-text.ts";

export interface LogOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** For a person at a terminal; otherwise one JSON object a line. */
  readonly pretty: boolean;
  /** Which of several daemons of a machine says it; in every line. */
  readonly daemon?: number | undefined;
  /** Standard output by default. */
  readonly destination?: DestinationStream;
}

/**
 * Creates the daemon's logger. Times are ISO 8601 in UTC; secrets are removed from every line, see {@link redact};
 * nothing logged is lost when the process exits, see {@link createLineWriter}.
 */
export function createLogger({ level, pretty, daemon, destination }: LogOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service: "natstate", ...(daemon !== undefined && { daemon }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: redact },
  };
  // Not the number 1: Node makes a pipe non-blocking when process.stdout is first used, and a blocking one would stop
  // the daemon for as long as nobody reads its log.
  const lines = destination ?? createLineWriter(process.stdout.fd);
  return pino(options, pretty ? prettify(lines) : lines);
}

/** pino-pretty as a plain function: its stream starts in a later tick, and a process that exits before says nothing. */
function prettify(lines: DestinationStream & Partial<LineWriter>): DestinationStream {
  const format = prettyFactory({ ignore: "service", translateTime: false, singleLine: true });
  return {
    write(line) {
      lines.write(format(harmless(line)));
      // At once, so that lines and what else is printed to the terminal keep their order.
      lines.flush?.();
    },
  };
}

/** A log line for a terminal: no text in it is more than one line, but for stacks, or steers. */
function harmless(line: string): string {
  return JSON.stringify(JSON.parse(line), (name, value: unknown) => {
    if (typeof value !== "string") return value;
    return name === "stack" ? toLines(value) : toLine(value);
  });
}
