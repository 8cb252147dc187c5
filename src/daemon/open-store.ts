import { join } from "node:path";
import { createAnswers } from "../answers/answers.ts";
import { startCheckpoints } from "../store/checkpoints.ts";
import { openDatabase } from "../store/database.ts";
import { createFindDue } from "../store/due-actors.ts";
import { createJournal } from "../store/journal.ts";
import { createLaneRecords } from "../store/lanes.ts";
import { createOutbox } from "../store/outbox.ts";
import { createOutboxStreams } from "../store/outbox-streams.ts";
import { openQueries } from "../store/queries.ts";
import type { Parts, Store } from "./parts.ts";

/**
 * Opens the store of a data directory; it is closed with the stack.
 *
 * @throws StoreError
 */
export function openStore({ config, logger }: Pick<Parts, "config" | "logger">, stack: AsyncDisposableStack): Store {
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
    findDue: createFindDue(db),
    queries,
  };
}
