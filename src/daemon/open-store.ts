import { join } from "node:path";
import type Database from "better-sqlite3";
import { createAnswers } from "../answers/answers.ts";
import { inTurns } from "../flow/pieces.ts";
import { startCheckpoints } from "../store/checkpoints.ts";
import { openInPieces } from "../store/database.ts";
import { createDueVersions, createFindDue } from "../store/due-actors.ts";
import { createJournal } from "../store/journal.ts";
import { createLaneCopies } from "../store/lane-copy.ts";
import { createLaneRecords } from "../store/lanes.ts";
import type { OnMoving } from "../store/moving.ts";
import { createOutbox } from "../store/outbox.ts";
import { createOutboxStreams } from "../store/outbox-streams.ts";
import { openQueries } from "../store/queries.ts";
import type { OwnServerOptions } from "./nats-setup.ts";

/** The daemon's store, open for writing, and its questions on a connection of their own. */
export interface Store {
  readonly file: string;
  readonly db: Database.Database;
  readonly journal: ReturnType<typeof createJournal>;
  readonly outbox: ReturnType<typeof createOutbox>;
  readonly records: ReturnType<typeof createLaneRecords>;
  readonly outboxStreams: ReturnType<typeof createOutboxStreams>;
  readonly findDue: ReturnType<typeof createFindDue>;
  readonly dueVersions: ReturnType<typeof createDueVersions>;
  readonly copies: ReturnType<typeof createLaneCopies>;
  readonly queries: ReturnType<typeof createAnswers>;
}

const TELL_MS = 3000;

/**
 * Opens the store of a data directory; it is closed with the stack.
 *
 * @throws StoreError; the reason of the signal while it is brought up to date.
 */
export async function openStore(
  { config, logger, signal }: Pick<OwnServerOptions, "config" | "logger"> & { readonly signal?: AbortSignal },
  stack: AsyncDisposableStack,
): Promise<Store> {
  const file = join(config.NATSTATE_DATA, "natstate.db");
  const { db, close } = await inTurns(openInPieces(file, tellMoving(logger, signal)));
  stack.defer(close);
  const copies = createLaneCopies(file);
  const onTrouble = (error: Error) => logger.warn({ err: error }, "checkpoint failed");
  stack.defer(startCheckpoints(db, file, onTrouble, copies.areOpen));
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
    dueVersions: createDueVersions(db),
    copies,
    queries,
  };
}

/** Whoever starts a daemon on a large store of an earlier natstate sees how long it still takes, and may stop it. */
function tellMoving(logger: OwnServerOptions["logger"], signal: AbortSignal | undefined): OnMoving {
  const startedMs = performance.now();
  let toldMs = startedMs;
  return ({ schema, percent, rows }) => {
    signal?.throwIfAborted();
    const nowMs = performance.now();
    if (nowMs - toldMs < TELL_MS) return;
    toldMs = nowMs;
    const rowsPerSecond = Math.round((1000 * rows) / (nowMs - startedMs));
    logger.info({ schema, percent, rowsPerSecond }, "the store is brought up to date; stopped, it goes on there");
  };
}
