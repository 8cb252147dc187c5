import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Delivery } from "../flow/delivery.ts";
import { rising } from "../flow/ledger.ts";
import { atOnce } from "../flow/pieces.ts";
import { readDecision } from "../jetstream/published-decisions.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import { type Log, readStream } from "../jetstream/stream-reader.ts";
import { copyStore } from "../store/copy.ts";
import type { Rejection } from "../store/dead-letter-rows.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import { openThrowawayStore, type ThrowawayStore } from "../store/throwaway-store.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, partitionOf } from "../wire/names.ts";
import { agedEvents, readRestored } from "./aged-events.ts";
import { createDerivation, deriveStream, type OnProgress } from "./derive-store.ts";
import { compareActor, compareRejections, type Difference, type PublishedHistory } from "./diff.ts";

/** A whole store held against the log. */
export interface Compared {
  /** Actors looked at, in the store or in the log. */
  readonly checked: number;
  /** Retired actors: all that is kept of them is that they are. */
  readonly retired: number;
  /** Events that could only be held against themselves, because no stream has them any more. */
  readonly fromStore: number;
  /** Actors whose decisions are not those the log gives today, see `isOtherHistory` of `compare.ts`. */
  readonly otherHistories: number;
  /** How many there are; `differences` has the first {@link MAX_DIFFERENCES}. */
  readonly found: number;
  readonly differences: readonly Difference[];
}

export const MAX_DIFFERENCES = 1000;

export interface VerifyAllOptions {
  readonly log: Log;
  readonly storeFile: string;
  /** Of one actor type. */
  readonly lanes: readonly Lane[];
  /** As the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
  readonly maxBytes: number;
  /** For a copy of the store and one that is derived anew; as large as the store, twice. */
  readonly directory: string;
  readonly onProgress: OnProgress;
}

/** Of one type: its lanes, what is known of them, what is derived. */
interface Work extends VerifyAllOptions {
  readonly reader: StoreReader;
  readonly throwaway: ThrowawayStore;
  readonly type: Lane["type"];
  readonly stream: string;
}

/**
 * Derives every actor of a type anew, with the daemon's own processor in a store of its own, up to each lane's
 * checkpoint, and compares. The store is looked at as it was at one moment; a daemon may go on writing it.
 */
export async function verifyAll(options: VerifyAllOptions): Promise<Compared> {
  const { storeFile, directory, lanes, onProgress } = options;
  const [lane] = lanes;
  if (lane === undefined) return { checked: 0, retired: 0, fromStore: 0, otherHistories: 0, found: 0, differences: [] };
  const copy = join(directory, "copy.db");
  await copyStore(storeFile, copy, (done, total) => onProgress("copying the store", done, total));
  using stack = new DisposableStack();
  const reader = openReader(copy);
  stack.defer(reader.close);
  const throwaway = openThrowawayStore(join(directory, "derived.db"));
  stack.defer(throwaway.close);
  const work: Work = { ...options, reader, throwaway, type: lane.type, stream: lane.stream };
  const firstDecision = await readDecisions(work);
  const { fromStore, firstSequence } = await deriveAll(work);
  const retired = reader.countRetired(lane.type.name);
  return { fromStore, retired, ...(await compareAll(work, firstSequence, firstDecision)) };
}

/** @returns the first sequence DECISIONS still has. */
async function readDecisions({ log, throwaway, type, onProgress }: Work): Promise<number> {
  const { firstSequence, lastSequence } = await readIdentity(log.jsm, DECISIONS_STREAM);
  for await (const messages of readStream(log, DECISIONS_STREAM)) {
    const own = messages.filter(({ subject }) => subject.split(".")[1] === type.collection);
    const found = own.flatMap((message) => readDecision(type, message) ?? []);
    throwaway.notePublished(type.name, found);
    onProgress(`reading ${DECISIONS_STREAM}`, messages.at(-1)?.sequence ?? lastSequence, lastSequence);
  }
  return firstSequence;
}

/** @returns how many events came from the store, and the first sequence the event stream gave. */
async function deriveAll({ log, reader, throwaway, lanes, maxBytes, type, stream, onProgress }: Work) {
  const derivation = createDerivation({ journal: throwaway.journal, lanes, maxBytes });
  const identity = await readIdentity(log.jsm, stream);
  // Restored from an older copy it is, up to what it has lost, as one that was made anew then.
  const ofStream = { type: type.name, stream, createdMs: Date.parse(identity.created) };
  const createdMs = Math.max(ofStream.createdMs, 1 + (reader.lostTo(ofStream) ?? 0));
  const checkpoints = new Map(lanes.map((lane) => [lane, reader.images.lane(lane).checkpoint]));
  const readTo = new Map(lanes.map((lane) => [String(lane.partition), checkpoints.get(lane) ?? 0]));
  const restored = await readRestored(
    log,
    { name: stream, created: new Date(createdMs).toISOString() },
    ({ subject, sequence }) => sequence <= (readTo.get(subject.split(".")[1] ?? "") ?? 0),
  );
  const keyOf = ({ sequence, storedAtMs }: Pick<Delivery, "sequence" | "storedAtMs">) => `${sequence} of ${storedAtMs}`;
  const parked = new Set(reader.parked(type.name).map(keyOf));
  throwaway.noteRetired(reader.retired(type.name));
  let derived = { fromStore: 0, firstSequence: 1 };
  await deriveStream(derivation, {
    log,
    lanes,
    to: Math.max(...checkpoints.values()),
    onFirst(firstSequence) {
      const reach = { type: type.name, firstSequence, createdMs };
      const aged = agedEvents({ reader, lanes, reach, restored });
      derived = { fromStore: atOnce(derivation.aged(aged)), firstSequence };
    },
    accepts: (delivery) => delivery.sequence <= (checkpoints.get(delivery.lane) ?? 0) && !parked.has(keyOf(delivery)),
    onProgress,
  });
  return derived;
}

async function compareAll(
  work: Work,
  firstSequence: number,
  firstDecision: number,
): Promise<Omit<Compared, "fromStore" | "retired">> {
  const { reader, throwaway, lanes, type, onProgress } = work;
  const total = reader.images.count(type.name);
  const differences: Difference[] = [];
  let found = 0;
  let checked = 0;
  let otherHistories = 0;
  const add = (more: readonly Difference[]) => {
    found += more.length;
    for (const difference of more) if (differences.length < MAX_DIFFERENCES) differences.push(difference);
  };
  for (const actorId of eitherIds(work)) {
    const lane = lanes[partitionOf(actorId, lanes.length)];
    if (lane === undefined) continue;
    const stored = atOnce(reader.images.find(lane, actorId));
    const published: PublishedHistory = {
      decisions: rising(throwaway.published(type.name, actorId)),
      firstSequence: firstDecision,
    };
    const derived = atOnce(throwaway.images.find(lane, actorId));
    const compared = atOnce(compareActor(actorId, stored, derived, published));
    add(compared.differences);
    if (compared.isOtherHistory) otherHistories++;
    if (++checked % 1000 !== 0) continue;
    onProgress("comparing", checked, Math.max(total, checked));
    // Whoever wants to end it is heard.
    await setImmediate();
  }
  add(compareAllRejections(work, firstSequence));
  return { checked, otherHistories, found, differences };
}

/** Ids that the store or the log knows, by id. */
function* eitherIds({ reader, throwaway, type }: Work): Generator<string> {
  const PAGE = 1000;
  for (let after = ""; ; ) {
    const pages = [reader.images, throwaway.images].map((images) => images.idsAfter(type.name, after, PAGE));
    const ends = pages.filter((page) => page.length === PAGE).map((page) => page.at(-1) ?? "");
    const end = ends.sort()[0];
    const ids = [...new Set(pages.flat())].filter((id) => end === undefined || id <= end);
    yield* ids.sort();
    if (end === undefined) return;
    after = end;
  }
}

function compareAllRejections({ reader, throwaway, stream, lanes }: Work, firstSequence: number): Difference[] {
  const checkpoints = lanes.map((lane) => reader.images.lane(lane).checkpoint);
  const reasons = (rows: Iterable<Rejection>) =>
    new Map(
      [...rows]
        // What has aged out, and what the store only knows from DEAD_LETTERS so far, was not derived.
        .filter((row) => row.sequence >= firstSequence && row.sequence <= (checkpoints[row.partition] ?? 0))
        .map(({ sequence, reason }) => [sequence, reason]),
    );
  const stored = reasons(reader.images.rejections(stream));
  const derived = reasons(throwaway.images.rejections(stream));
  return compareRejections(stream, stored, derived);
}
