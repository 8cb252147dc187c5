import pino, { type DestinationStream, type Logger } from "pino";
import { prettyFactory } from "pino-pretty";
import type { BatchResult, DeadLetterRow, Handled, LedgerRow } from "../flow/ports.ts";
import { redact } from "./redact.ts";

export interface LogOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** For a person at a terminal; otherwise one JSON object a line. */
  readonly pretty: boolean;
  /** Standard output by default. */
  readonly destination?: DestinationStream;
}

/**
 * Creates the daemon's logger. Times are ISO 8601 in UTC; secrets are removed from every line, see {@link redact}.
 *
 * JSON goes out asynchronously, so a slow reader of the log does not stop the daemon, and what is still held is written
 * when the process exits. Pretty lines are written at once.
 */
export function createLogger({ level, pretty, destination }: LogOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service: "natstate" },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: redact },
  };
  return pino(options, pretty ? createPretty(destination) : (destination ?? pino.destination({ dest: 1, sync: false })));
}

/** pino-pretty as a plain function: its stream starts in a later tick, and a process that exits before says nothing. */
function createPretty(destination: DestinationStream = pino.destination({ dest: 1, sync: true })): DestinationStream {
  const prettify = prettyFactory({ ignore: "service", translateTime: "SYS:HH:MM:ss.l", singleLine: true });
  return { write: (line) => destination.write(prettify(line)) };
}

/**
 * Says what a committed batch brought about, one line each: decisions (info), dead letters (warn), events (debug).
 * Bodies of events and decisions are never logged.
 */
export function logBatch(logger: Logger, result: BatchResult): void {
  const { handled, decisions, deadLetters } = result;
  if (decisions.length > 0 && logger.isLevelEnabled("info")) logDecisions(logger, decisions, handled);
  if (deadLetters.length > 0 && logger.isLevelEnabled("warn")) {
    for (const row of deadLetters) logDeadLetter(logger, row);
  }
  if (logger.isLevelEnabled("debug")) {
    for (const one of handled) logHandled(logger, one);
  }
}

function logDecisions(logger: Logger, decisions: readonly LedgerRow[], handled: readonly Handled[]): void {
  let next = 0;
  for (const row of decisions) {
    const { type, actorId, decisionType, revision } = row;
    const { causationId, correlationId } = JSON.parse(row.payload) as Cause;
    // Decisions come in the order of their causes, so one walk through the batch finds them all.
    const found = handled.findIndex((one, index) => index >= next && isCause(one, row, causationId));
    ...
  }
}
