import type { ActorType } from "../actor/actor-type.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Outbox } from "../flow/outbox.ts";
import { atOnce } from "../flow/pieces.ts";
import { learnPublished } from "../jetstream/learn-published.ts";
import { checkOutboxStreams } from "../jetstream/outbox-streams.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import type { Log } from "../jetstream/stream-reader.ts";
import type { OpenDatabase } from "../store/database.ts";
import { createJournal } from "../store/journal.ts";
import { createLaneRecords } from "../store/lanes.ts";
import { createOutbox } from "../store/outbox.ts";
import { createOutboxStreams } from "../store/outbox-streams.ts";
import type { StoreReader } from "../store/reader.ts";
import { carryRetired } from "../store/retired.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, eventStream } from "../wire/names.ts";
import { agedAndParked, readRestored } from "./aged-events.ts";
import { createDerivation, deriveStream, type OnProgress } from "./derive-store.ts";

export interface RebuildOptions {
  readonly log: Log;
  readonly types: readonly ActorType[];
  /** Of all types. */
  readonly lanes: readonly Lane[];
  readonly storeFile: string;
  /** As the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
  readonly maxBytes: number;
  /** Swap the new store in although it lacks something the old one has. */
  readonly acceptDifferences: boolean;
  /** Told the moments of the path; tests end the process at one. */
  readonly reached?: ReachCrashPoint | undefined;
  readonly onProgress: OnProgress;
}

/**
 * Fills a store from the log, as a daemon that finds it empty would, but in one pass and without owning anything; goes
 * on where an earlier call was interrupted.
 *
 * @param old - gives what no stream has any more.
 * @returns how many events came from the old store, in this call.
 */
export async function fillStore(
  options: RebuildOptions,
  db: OpenDatabase["db"],
  old: StoreReader | undefined,
): Promise<number> {
  const { log, types, lanes, onProgress } = options;
  const outbox = createOutbox(db);
  for (const type of types) if (old !== undefined) await keepRetired(options, type, db, old);
  onProgress("learning what is published", 0, 1);
  // First, so that everything published is recognised when it is derived: by rising revision.
  await keepAgedDecisions(options, outbox, old);
  await checkOutboxStreams(log.jsm, createOutboxStreams(db));
  const partitions = Math.max(...lanes.map(({ partition }) => partition)) + 1;
  await learnPublished({ ...log, outbox, partitions }, lanes);
  let fromOldStore = 0;
  for (const type of types) fromOldStore += await fillType(options, type, db, old);
  return fromOldStore;
}

/** First, so that nobody retired begins anew with the half of its events that a stream still has. */
async function keepRetired(
  { log }: RebuildOptions,
  type: ActorType,
  db: OpenDatabase["db"],
  old: StoreReader,
): Promise<void> {
  const stream = eventStream(type);
  const { created, lastSequence } = await readIdentity(log.jsm, stream);
  const isSame = old.records.streamCreated(stream) === created;
  const rows = [...old.retired(type.name)].map((row) =>
    isSame && row.sequence <= lastSequence ? row : { ...row, sequence: 0 },
  );
  carryRetired(db, rows, old.retiredParked(type.name));
}

/** What was published, and has aged out of DECISIONS since. */
async function keepAgedDecisions(
  { log, types, lanes }: RebuildOptions,
  outbox: Outbox,
  old?: StoreReader,
): Promise<void> {
  const { created, firstSequence } = await readIdentity(log.jsm, DECISIONS_STREAM);
  // Another stream's sequences say nothing about what has aged out of this one.
  if (old === undefined || (old.outboxCreated(DECISIONS_STREAM) ?? created) !== created) return;
  for (const type of types) {
    const source = await log.jsm.streams.info(eventStream(type));
    for (const { partition, ...decision } of old.agedDecisions(type.name, firstSequence)) {
      const lane = lanes.find((known) => known.type === type && known.partition === partition);
      if (lane !== undefined) outbox.learnDecisions(lane, [{ ...decision, pastTo: source.state.last_seq }]);
    }
  }
}

async function fillType(
  { log, lanes: all, maxBytes, onProgress, reached }: RebuildOptions,
  type: ActorType,
  db: OpenDatabase["db"],
  old: StoreReader | undefined,
): Promise<number> {
  const journal = createJournal(db);
  const records = createLaneRecords(db);
  const lanes = all.filter((lane) => lane.type === type);
  const stream = eventStream(type);
  const derivation = createDerivation({ journal, lanes, maxBytes, reached });
  const identity = await readIdentity(log.jsm, stream);
  const { created } = identity;
  const restored = await readRestored(log, identity);
  let fromOldStore = 0;
  const end = await deriveStream(derivation, {
    log,
    lanes,
    // One pass in stream order over all lanes: the highest checkpoint is where it was interrupted.
    from: records.highestCheckpoint(stream) + 1,
    onFirst(firstSequence) {
      if (records.streamCreated(stream) !== undefined) return;
      const reach = { type: type.name, firstSequence, createdMs: Date.parse(created) };
      // Together with the note that it is done.
      journal.transaction(() => {
        const aged = old === undefined ? [] : agedAndParked({ reader: old, lanes, reach, restored });
        fromOldStore = atOnce(derivation.aged(aged));
        records.saveStream(type.name, stream, created, lanes.length);
      });
    },
    onProgress,
  });
  records.saveCompleteTo(new Map<Lane, number>(lanes.map((lane) => [lane, end])));
  return fromOldStore;
}
