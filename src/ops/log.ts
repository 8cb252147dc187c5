import pino, { type DestinationStream, type Logger } from "pino";
import { prettyFactory } from "pino-pretty";
import type { BatchResult, Handled } from "../flow/batch-result.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import { createLineWriter, type LineWriter } from "./line-writer.ts";
import { redact } from "./redact.ts";
import { toLine, toLines } from "./terminal-text.ts";

export interface LogOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  /** For a person at a terminal; otherwise one JSON object a line. */
  readonly pretty: boolean;
  /** Standard output by default. */
  readonly destination?: DestinationStream;
}

/**
 * Creates the daemon's logger. Times are ISO 8601 in UTC; secrets are removed from every line, see {@link redact};
 * nothing logged is lost when the process exits, see {@link createLineWriter}.
 */
export function createLogger({ level, pretty, destination }: LogOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service: "natstate" },
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

/**
 * Says what a committed batch brought about, one line each: decisions (at the level of NATSTATE_LOG_DECISIONS), dead
 * letters (warn), events (debug). Bodies of events and decisions are never logged.
 */
export function logBatch(logger: Logger, batch: BatchResult, decisionLevel: "debug" | "info"): void {
  const { handled, decisions, deadLetters } = batch;
  if (decisions.length > 0 && logger.isLevelEnabled(decisionLevel)) logDecisions(logger, batch, decisionLevel);
  if (deadLetters.length > 0 && logger.isLevelEnabled("warn")) logDeadLetters(logger, deadLetters);
  if (logger.isLevelEnabled("debug")) logEvents(logger, handled);
}

/** The part of a decision that says where it came from. */
interface Cause {
  readonly causationId: string;
  readonly correlationId: string | null;
}

function logDecisions(logger: Logger, { decisions, handled }: BatchResult, level: "debug" | "info"): void {
  let index = 0;
  for (const row of decisions) {
    const { causationId, correlationId } = JSON.parse(row.payload) as Cause;
    // Decisions stand in the order of their causes: one walk through the batch meets them all.
    while (index < handled.length && !isCause(handled[index], row, causationId)) index++;
    logger[level](
      {
        actorType: row.type,
        actorId: row.actorId,
        decisionType: row.decisionType,
        revision: row.revision,
        causationId,
        sequence: handled[index]?.delivery.sequence,
        correlationId,
      },
      "decision",
    );
  }
}

function isCause(handled: Handled | undefined, row: LedgerRow, eventId: string): boolean {
  const observation = handled?.observation;
  return (
    observation?.eventId === eventId &&
    observation.actorId === row.actorId &&
    // Events of several types may have one id.
    handled?.delivery.storedAtMs === row.causedAtMs
  );
}

function logDeadLetters(logger: Logger, deadLetters: readonly DeadLetterRow[]): void {
  for (const { type, reason, error, subject, stream, sequence } of deadLetters) {
    logger.warn({ actorType: type, reason, error, subject, stream, sequence }, "dead letter");
  }
}

function logEvents(logger: Logger, handled: readonly Handled[]): void {
  for (const { delivery, observation, outcome } of handled) {
    // Dead letters have their own line; a skipped delivery was told of when it was committed.
    if (observation === undefined) continue;
    logger.debug(
      {
        actorType: delivery.lane.type.name,
        actorId: observation.actorId,
        eventId: observation.eventId,
        eventType: observation.type,
        outcome,
        sequence: delivery.sequence,
        correlationId: observation.correlationId,
      },
      "event",
    );
  }
}
