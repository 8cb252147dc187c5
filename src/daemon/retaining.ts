import type { Logger } from "pino";
import { startDeadLetterAgeing } from "../care/dead-letter-ageing.ts";
import { createRestoration } from "../care/restoration.ts";
import { startRetention } from "../care/retention.ts";
import { createRetirement } from "../care/retirement.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { heldOf } from "../jetstream/known-streams.ts";
import { createAgedDeadLetters } from "../store/dead-letter-rows.ts";
import { createRetiredRows } from "../store/retired.ts";
import type { Parts } from "./parts.ts";

export type RetainingParts = Pick<
  Parts,
  "config" | "types" | "store" | "connection" | "path" | "own" | "reading" | "observers" | "logger" | "reached"
>;

/** Gives up dead letters that have aged out of the streams. @returns ends it at once. */
export function startAgeing(
  { types, store, connection, path, logger }: RetainingParts,
  trouble: RetainingTrouble,
): () => void {
  const { records, outboxStreams } = store;
  return startDeadLetterAgeing({
    types,
    rows: createAgedDeadLetters(store.db),
    held: (type) => heldOf(connection.session.jsm, records, outboxStreams, type),
    isFree: path.isFree,
    onForgotten: ({ name }, count) => logger.debug({ actorType: name, count }, "dead letters have aged out"),
    onTrouble: trouble.say,
  });
}

/** Retires settled actors, and brings back those about which something is heard. @returns ends it at once. */
export function startRetaining(parts: RetainingParts, trouble: RetainingTrouble): () => void {
  const { config, types, store, connection, path, own, reading, observers, reached } = parts;
  const { journal } = store;
  const { actors, processor } = path;
  const rows = createRetiredRows(store.db);
  const limits = { maxBytes: config.NATSTATE_MAX_EVENT_BYTES };
  const isIdle = () => path.isFree() && path.publishing.backlog() === 0 && connection.isConnected();
  return startRetention({
    types,
    rows,
    retirement: createRetirement({ journal, rows, actors, reached }),
    restoration: createRestoration({ journal, rows, actors, processor, limits, reached }),
    retainMs: config.NATSTATE_RETAIN,
    idleLanes(type) {
      if (!isIdle()) return [];
      const lags = reading.lag.byLane();
      // Of one that is assigned, and not taken yet, a copy may be on its way into the store.
      return own.taken().filter((lane) => lane.type === type && lags.get(lane) === 0);
    },
    laneOf: (row) => own.taken().find((lane) => lane.type.name === row.type && lane.partition === row.partition),
    readHistory: (lane, actorId, upTo) => readActorHistory(connection.session.jsm, lane, actorId, upTo),
    checkStream: path.publishing.learning.checkStream,
    onCommitted: path.committed,
    onRetired: observers.observer.retired,
    onRestored({ type }, row, isRestored) {
      trouble.isOver();
      observers.observer.restored(type, row, isRestored);
    },
    onTrouble: trouble.say,
    reached,
  });
}

export type RetainingTrouble = ReturnType<typeof onceLoud>;

/** Says that it does not get on, loudly the first time. */
export function onceLoud(logger: Logger) {
  let isTroubled = false;
  return {
    say(error: Error): void {
      logger[isTroubled ? "debug" : "warn"]({ err: error }, "retention does not get on, trying again");
      isTroubled = true;
    },
    isOver(): void {
      isTroubled = false;
    },
  };
}
