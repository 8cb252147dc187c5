import type Database from "better-sqlite3";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { startDeadLetterAgeing } from "../care/dead-letter-ageing.ts";
import { createRestoration } from "../care/restoration.ts";
import { startRetention } from "../care/retention.ts";
import { createRetirement } from "../care/retirement.ts";
import type { Config } from "../config/config.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { HotActors } from "../flow/hot-actors.ts";
import type { Journal } from "../flow/journal.ts";
import type { OutboxStreams } from "../flow/outbox.ts";
import type { Processor } from "../flow/processor.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { heldOf } from "../jetstream/aged-dead-letters.ts";
import type { Session } from "../jetstream/session.ts";
import type { Metrics } from "../ops/metrics.ts";
import { createDeadLetterRows } from "../store/dead-letter-rows.ts";
import type { LaneRecords } from "../store/lanes.ts";
import { createRetiredRows } from "../store/retired.ts";
import type { Lane } from "../wire/lanes.ts";

/** What retention needs of the daemon. */
export interface RetentionNeeds {
  readonly config: Config;
  readonly types: readonly ActorType[];
  readonly db: Database.Database;
  readonly jsm: Session["jsm"];
  readonly records: LaneRecords;
  readonly outboxStreams: OutboxStreams;
  readonly journal: Journal;
  readonly actors: HotActors;
  readonly processor: Processor;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Our lanes. */
  readonly assigned: () => readonly Lane[];
  /** Is there nothing to apply, to publish or to wait for? */
  readonly isIdle: () => boolean;
  /** Can the store be written, and does no event wait for it at the moment? */
  readonly isFree: () => boolean;
  /** Messages of a lane not applied when last measured, undefined when not measured. */
  readonly lagOf: (lane: Lane) => number | undefined;
  /** Rejects unless the lane's stream is the one the store has read. */
  readonly checkStream: (lane: Lane) => Promise<void>;
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
  readonly reached: ReachCrashPoint;
}

/**
 * Joins the rooms for retention, as `daemon.ts` does for the rest.
 *
 * @returns ends it at once. Safe to call twice.
 */
export function openRetention(needs: RetentionNeeds): () => void {
  const { config, types, jsm, journal, actors, processor, metrics, logger, assigned, isIdle, lagOf, reached } = needs;
  const rows = createRetiredRows(needs.db);
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  let isTroubled = false;
  const onTrouble = (error: Error) => {
    logger[isTroubled ? "debug" : "warn"]({ err: error }, "retention does not get on, trying again");
    isTroubled = true;
  };
  const endAgeing = startDeadLetterAgeing({
    types,
    rows: createDeadLetterRows(needs.db),
    held: (type) => heldOf(needs, type),
    isFree: needs.isFree,
    onForgotten: ({ name }, count) => logger.debug({ actorType: name, count }, "dead letters have aged out"),
    onTrouble,
  });
  const endRetention = startRetention({
    types,
    rows,
    retirement: createRetirement({ journal, rows, actors, reached }),
    restoration: createRestoration({ journal, rows, actors, processor, limits, reached }),
    retainMs: config.NATSTATE_RETAIN,
    idleLanes: (type) => (isIdle() ? assigned().filter((lane) => lane.type === type && lagOf(lane) === 0) : []),
    laneOf: (row) => assigned().find((lane) => lane.type.name === row.type && lane.partition === row.partition),
    readHistory: (lane, actorId, upTo) => readActorHistory(jsm, lane, actorId, upTo),
    checkStream: needs.checkStream,
    onCommitted: needs.onCommitted,
    onRetired(type, count, stepMs) {
      metrics.recordRetired(type, count);
      logger.debug({ actorType: type.name, count, stepMs }, "retired");
    },
    onRestored({ type }, { actorId, events, revision }, restored) {
      isTroubled = false;
      metrics.recordRestored(type, restored);
      const found = { actorType: type.name, actorId, events, revision };
      if (restored) logger.info(found, "retired, brought back by a late event");
      else logger.warn(found, "retired, and the streams no longer hold it: its late events are dead letters");
    },
    onTrouble,
    reached,
  });
  return () => {
    endAgeing();
    endRetention();
  };
}
