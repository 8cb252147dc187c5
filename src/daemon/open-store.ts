import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Logger } from "pino";
import { type Answers, createAnswers } from "../answers/answers.ts";
import type { Config } from "../config/config.ts";
import type { Journal } from "../flow/journal.ts";
import type { Outbox, OutboxStreams } from "../flow/outbox.ts";
import { startCheckpoints } from "../store/checkpoints.ts";
import { openDatabase } from "../store/database.ts";
import { createJournal } from "../store/journal.ts";
import { createLaneRecords, type LaneRecords } from "../store/lanes.ts";
import { createOutbox } from "../store/outbox.ts";
import { createOutboxStreams } from "../store/outbox-streams.ts";
import { openQueries } from "../store/queries.ts";

/** The daemon's store, open for writing, and its questions on a connection of their own. */
export interface Store {
  readonly file: string;
  readonly db: Database.Database;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly records: LaneRecords;
  readonly outboxStreams: OutboxStreams;
  readonly queries: Answers;
}

/**
 * Opens the store of a data directory; it is closed with the stack.
 *
 * @throws StoreError
 */
export function openStore(config: Config, logger: Logger, stack: AsyncDisposableStack): Store {
  const file = join(config.NATSTATE_DATA, "natstate.db");
  const { db, close } = openDatabase(file);
  stack.defer(close);
  const checkpoints = startCheckpoints(db, file, (error) => logger.warn({ err: error }, "checkpoint failed"));
  stack.defer(checkpoints.stop);
  const queries = createAnswers(openQueries(file));
  stack.defer(() => queries.close());
  return {
    file,
    db,
    journal: createJournal(db),
    outbox: createOutbox(db),
    records: createLaneRecords(db),
    outboxStreams: createOutboxStreams(db),
    queries,
  };
}
