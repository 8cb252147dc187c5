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
  return pino(
    options,
    pretty ? createPretty(destination) : (destination ?? pino.destination({ dest: 1, sync: false })),
  );
}

/** pino-pretty as a plain function: its stream starts in a later tick, and a process that exits before says nothing. */
function createPretty(destination: DestinationStream = pino.destination({ dest: 1, sync: true })): DestinationStream {
  const prettify = prettyFactory({ ignore: "service", translateTime: false, singleLine: true });
  return { write: (line) => destination.write(prettify(line)) };
}

/**
 * Says what a committed batch brought about, one line each: decisions (info), dead letters (warn), events (debug).
 * Bodies of events and decisions are never logged.
 */
export function logBatch(logger: Logger, { handled, decisions, deadLetters }: BatchResult): void {
  if (decisions.length > 0 && logger.isLevelEnabled("info")) logDecisions(logger, decisions, handled);
  if (deadLetters.length > 0 && logger.isLevelEnabled("warn")) logDeadLetters(logger, deadLetters);
  if (logger.isLevelEnabled("debug")) logEvents(logger, handled);
}

/** The part of a decision that says where it came from. */
interface Cause {
  readonly causationId: string;
  readonly correlationId: string | null;
}

function logDecisions(logger: Logger, decisions: readonly LedgerRow[], handled: readonly Handled[]): void {
  let index = 0;
  for (const row of decisions) {
    const { causationId, correlationId } = JSON.parse(row.payload) as Cause;
    // Decisions stand in the order of their causes: one walk through the batch meets them all.
    while (index < handled.length && !isCause(handled[index], row, causationId)) index++;
    logger.info(
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
  return observation?.eventId === eventId && observation.actorId === row.actorId;
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
