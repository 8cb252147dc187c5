import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Handled } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";
import type { DeadLetterRow, TakenDecision } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";

export interface PathLogOptions {
  /** As NATSTATE_LOG_DECISIONS. */
  readonly decisionLevel: "debug" | "info";
  /** ms since the epoch; `Date.now` by default. */
  readonly now?: () => number;
}

/** Differences named of one actor. */
const MAX_DIFFERENCES = 10;
/** Between two lines about conflicts. */
const SILENCE_MS = 10_000;
/** Subjects remembered as named; one that comes again after so many others is named again. */
const MAX_NAMED = 10_000;

/**
 * Says what happens on the path: of a committed batch one line each for decisions (at their own level), dead letters
 * (warn) and events (debug); and whatever does not go as it should. Bodies of events and decisions are never logged.
 */
export function createPathLog(logger: Logger, { decisionLevel, now = Date.now }: PathLogOptions): Observer {
  const logConflicts = createConflictLog(logger, now);
  /** Of the commits that fail now. */
  let lastFailure: string | undefined;
  return {
    committed({ handled, decisions, deadLetters }) {
      lastFailure = undefined;
      if (decisions.length > 0 && logger.isLevelEnabled(decisionLevel)) logDecisions(logger, decisions, decisionLevel);
      if (deadLetters.length > 0 && logger.isLevelEnabled("warn")) logDeadLetters(logger, deadLetters);
      if (logger.isLevelEnabled("debug")) logEvents(logger, handled);
      if (!logger.isLevelEnabled("warn")) return;
      logConflicts(handled);
      logActorTrouble(logger, handled);
    },
    commitFailed({ error, retryMs, isBrief }) {
      // Once for as long as it lasts.
      const isToBeSaid = error.message !== lastFailure && !isBrief;
      logger[isToBeSaid ? "error" : "debug"](
        { err: error, retryMs },
        "commit failed, nothing is acknowledged, trying again",
      );
      if (isToBeSaid) lastFailure = error.message;
    },
    publishFailed: (error, what) => logger.warn({ err: error, what }, "not published yet, trying again"),
    rebuilt: ({ name }, actorId) =>
      logger.warn({ actorType: name, actorId }, "stored snapshot unusable, rebuilt from events"),
    reconciled: ({ type }, actorId) =>
      logger.warn({ actorType: type.name, actorId }, "another writer's decisions were taken over"),
    foreign: createForeignMessages(logger),
    doubted: (reason, { stream, partition }, detail) =>
      logger.debug({ stream, partition, reason, detail }, "reading again"),
    mended: ({ stream, partition }, differences) =>
      logger.warn(
        { stream, partition, differences },
        "the partition's consumer had been changed, it is as it was again",
      ),
    taken: (lanes) => logLanes(logger, "partitions taken", lanes),
    released: (lanes) => logLanes(logger, "partitions released", lanes),
    retired: ({ name }, count, stepMs) => logger.debug({ actorType: name, count, stepMs }, "retired"),
    restored({ name }, { actorId, events, revision }, isRestored) {
      const found = { actorType: name, actorId, events, revision };
      if (isRestored) logger.info(found, "retired, brought back by a late event");
      else logger.warn(found, "retired, and the streams no longer hold it: its late events are dead letters");
    },
    scrubbed({ name }, actorId, differences) {
      if (differences.length === 0) return;
      // Names only: bodies and payloads stay out of logs.
      const what = differences.slice(0, MAX_DIFFERENCES);
      const why =
        "where machine or rules have changed: raise version, then natstate rebuild; or begin anew: rm -r data";
      logger.error({ actorType: name, actorId, what, why }, "drift: the store is not what the stream gives");
    },
    proved({ name }, actorId, names) {
      if (names.length === 0) return;
      const how = `natstate prove --type ${name} --id ${actorId}`;
      logger.error({ actorType: name, actorId, what: names, how }, "what it comes to depends on how its events arrive");
    },
  };
}

function logDecisions(logger: Logger, decisions: readonly TakenDecision[], level: "debug" | "info"): void {
  for (const { type, actorId, decisionType, revision, causationId, sequence, correlationId } of decisions) {
    logger[level](
      { actorType: type, actorId, decisionType, revision, causationId, sequence, correlationId },
      "decision",
    );
  }
}

function logDeadLetters(logger: Logger, deadLetters: readonly DeadLetterRow[]): void {
  for (const { type, reason, error, subject, stream, sequence } of deadLetters) {
    logger.warn({ actorType: type, reason, error, subject, stream, sequence }, "dead letter");
  }
}

function logActorTrouble(logger: Logger, handled: readonly Handled[]): void {
  for (const { delivery, observation, held, dependsOn } of handled) {
    if (held === undefined && dependsOn === undefined) continue;
    const told = { actorType: delivery.lane.type.name, actorId: observation?.actorId, sequence: delivery.sequence };
    if (held !== undefined) {
      logger.warn({ ...told, error: held }, "quarantined: its events are kept, further ones may mend it");
    }
    if (dependsOn !== undefined) {
      logger.error({ ...told, dependsOn }, "not deterministic: replays and other daemons come to something else");
    }
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

function logLanes(logger: Logger, what: string, lanes: readonly Lane[]): void {
  for (const [stream, own] of Map.groupBy(lanes, (lane) => lane.stream)) {
    logger.info({ stream, partitions: own.map(({ partition }) => partition) }, what);
  }
}

/**
 * Warns of events whose id their actor had heard before with other content, without saying the content: the first at
 * once, then at most one line in 10 s. `conflicts` is how many there were since the line before.
 *
 * @param now - ms since the epoch.
 */
function createConflictLog(logger: Logger, now: () => number): (handled: readonly Handled[]) => void {
  let silentUntilMs = 0;
  let conflicts = 0;
  return (handled) => {
    for (const { outcome, observation, delivery } of handled) {
      if (outcome !== "conflict" || observation === undefined) continue;
      conflicts++;
      if (now() < silentUntilMs) continue;
      silentUntilMs = now() + SILENCE_MS;
      logger.warn(
        {
          actorType: delivery.lane.type.name,
          actorId: observation.actorId,
          eventType: observation.type,
          eventId: observation.eventId,
          stream: delivery.lane.stream,
          sequence: delivery.sequence,
          conflicts,
        },
        "conflict: an event under an id that was heard before with other content; the first heard counts",
      );
      conflicts = 0;
    }
  };
}

/** @returns names messages that somebody else wrote to a stream of natstate's, each subject once. */
function createForeignMessages(
  logger: Logger,
): (stream: string, subject: string, sequences: readonly number[]) => void {
  const named = new LRUCache<string, true>({ max: MAX_NAMED });
  return (stream, subject, sequences) => {
    if (named.has(subject)) return;
    named.set(subject, true);
    logger.warn(
      { stream, subject, sequences: sequences.slice(0, 10) },
      "a message that natstate did not write is passed over; who may publish there?",
    );
  };
}
