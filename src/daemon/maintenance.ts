import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { startDeadLetterAgeing } from "../care/dead-letter-ageing.ts";
import { createRestoration } from "../care/restoration.ts";
import { startRetention } from "../care/retention.ts";
import { createRetirement } from "../care/retirement.ts";
import { startScrub } from "../care/scrub.ts";
import type { Config } from "../config/config.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Observer } from "../flow/observer.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { heldOf } from "../jetstream/aged-dead-letters.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import { createDeadLetterRows } from "../store/dead-letter-rows.ts";
import { createRetiredRows } from "../store/retired.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./open-store.ts";
import type { Path } from "./path.ts";
import type { Reading } from "./reading.ts";
import type { Streams } from "./streams.ts";

/** What maintenance needs of the daemon. */
export interface MaintenanceOptions {
  readonly config: Config;
  readonly types: readonly ActorType[];
  readonly store: Store;
  readonly connection: Connection;
  readonly streams: Streams;
  readonly path: Path;
  readonly own: OwnLanes;
  readonly reading: Reading;
  readonly observer: Required<Observer>;
  readonly logger: Logger;
  readonly reached: ReachCrashPoint;
}

/**
 * Keeps the store right and small for as long as the daemon runs, whenever there is nothing more urgent: scrubs, retires,
 * brings back, gives up what has aged out.
 *
 * @returns ends all of it at once. Safe to call twice.
 */
export function startMaintenance(options: MaintenanceOptions): () => void {
  const ends = [startScrubbing(options), startAgeing(options), startRetaining(options)];
  return () => {
    for (const end of ends) end();
  };
}

function startScrubbing({
  config,
  types,
  store,
  connection,
  streams,
  path,
  own,
  observer,
  logger,
}: MaintenanceOptions) {
  if (config.NATSTATE_SCRUB_INTERVAL === null) return () => {};
  return startScrub({
    log: connection.session,
    storeFile: store.file,
    types,
    maxBytes: config.NATSTATE_MAX_EVENT_BYTES,
    intervalMs: config.NATSTATE_SCRUB_INTERVAL,
    laneOf(type, actorId) {
      const lane = streams.lanes.ofActor(type, actorId);
      return isFree(path) && connection.session.isConnected() && own.owns(lane) ? lane : undefined;
    },
    onChecked: (type, actorId, differences) =>
      observer.scrubbed(
        type,
        actorId,
        differences.map(({ what }) => what),
      ),
    onTrouble: (error) => logger.debug({ err: error }, "not scrubbed"),
  });
}

function startAgeing({ types, store, connection, path, logger }: MaintenanceOptions): () => void {
  const { records, outboxStreams } = store;
  return startDeadLetterAgeing({
    types,
    rows: createDeadLetterRows(store.db),
    held: (type) => heldOf({ jsm: connection.session.jsm, records, outboxStreams }, type),
    isFree: () => isFree(path),
    onForgotten: ({ name }, count) => logger.debug({ actorType: name, count }, "dead letters have aged out"),
    onTrouble: onceLoud(logger).say,
  });
}

function startRetaining(options: MaintenanceOptions): () => void {
  const { config, types, store, connection, path, own, reading, observer, logger, reached } = options;
  const { journal } = store;
  const { actors, processor } = path;
  const rows = createRetiredRows(store.db);
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  const trouble = onceLoud(logger);
  const isIdle = () => isFree(path) && path.publisher.backlog() === 0 && connection.isConnected();
  return startRetention({
    types,
    rows,
    retirement: createRetirement({ journal, rows, actors, reached }),
    restoration: createRestoration({ journal, rows, actors, processor, limits, reached }),
    retainMs: config.NATSTATE_RETAIN,
    idleLanes(type) {
      if (!isIdle()) return [];
      const lags = reading.lag.byLane();
      return own.assigned().filter((lane) => lane.type === type && lags.get(lane) === 0);
    },
    laneOf: (row) => own.assigned().find((lane) => lane.type.name === row.type && lane.partition === row.partition),
    readHistory: (lane, actorId, upTo) => readActorHistory(connection.session.jsm, lane, actorId, upTo),
    checkStream: path.learning.checkStream,
    onCommitted: path.committed,
    onRetired: observer.retired,
    onRestored({ type }, row, isRestored) {
      trouble.isOver();
      observer.restored(type, row, isRestored);
    },
    onTrouble: trouble.say,
    reached,
  });
}

/** Can the store be written, and does no event wait for it at the moment? */
function isFree(path: Path): boolean {
  return path.queued() === 0 && path.pause() === null;
}

/** Says that it does not get on, loudly the first time. */
function onceLoud(logger: Logger): { say(error: Error): void; isOver(): void } {
  let isTroubled = false;
  return {
    say(error) {
      logger[isTroubled ? "debug" : "warn"]({ err: error }, "retention does not get on, trying again");
      isTroubled = true;
    },
    isOver() {
      isTroubled = false;
    },
  };
}
