import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import { readKnownIdentity } from "../jetstream/stream-identity.ts";
import type { Log } from "../jetstream/stream-reader.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import { openWorkspace } from "../store/workspace.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, partitionOf } from "../wire/names.ts";
import type { OnProgress } from "./derive-store.ts";
import { openDeriver, verifyActor } from "./verify-actor.ts";
import { type Compared, MAX_DIFFERENCES, verifyAll } from "./verify-all.ts";

export interface Verification extends Compared {
  /** Partitions another daemon has read further than this store, of one actor its own at most: they are its to verify. */
  readonly elsewhere: readonly number[];
}

/** Which actors: one, some at random, or every one. */
export type Selection = { readonly actorId: string } | { readonly sample: number } | "all";

export interface VerifyOptions {
  readonly log: Log;
  /** Read only; a daemon may write it meanwhile. */
  readonly storeFile: string;
  readonly type: ActorType;
  readonly selection: Selection;
  /** As the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
  readonly maxBytes: number;
  readonly onProgress: OnProgress;
}

/**
 * Holds actors of a store against the log and against DECISIONS.
 *
 * @returns `checked` and `retired` are 0 when there is no such actor; undefined when the store has never read the type.
 * @throws StoreError when there is no store; StreamIdentityError when it has read another stream than there is.
 */
export async function verify(options: VerifyOptions): Promise<Verification | undefined> {
  const { log, storeFile, type, selection } = options;
  using stack = new DisposableStack();
  const reader = openReader(storeFile);
  stack.defer(reader.close);
  const lanes = lanesOfStore(reader, type);
  if (lanes === undefined) return undefined;
  await readKnownIdentity(log.jsm, reader.records, lanes[0]?.stream ?? "");
  // Before the store is looked at, so that what its own daemon commits meanwhile is not taken for another's.
  const asked = lanes.filter(({ partition }) => concerns(selection, partition, lanes.length));
  const elsewhere = await readElsewhere(log.jsm, asked, (lane) => reader.images.lane(lane).checkpoint);
  if (selection !== "all") return { ...(await verifySome(options, reader, lanes)), elsewhere };
  // Beside the store, where there is room for another one; the system's own directory for such things may be small.
  const { directory, remove } = openWorkspace(storeFile);
  stack.defer(remove);
  return { ...(await verifyAll({ ...options, lanes, directory })), elsewhere };
}

function concerns(selection: Selection, partition: number, partitions: number): boolean {
  return selection === "all" || !("actorId" in selection) || partitionOf(selection.actorId, partitions) === partition;
}

/**
 * Lanes of which more is acknowledged than this store has applied: a daemon acknowledges what it has committed, so another
 * one, with a store of its own, reads them.
 *
 * @param checkpointOf - asked after the server has answered.
 * @returns their partitions.
 */
export async function readElsewhere(
  jsm: JetStreamManager,
  lanes: readonly Lane[],
  checkpointOf: (lane: Lane) => number,
): Promise<number[]> {
  const acknowledged = await Promise.all(
    lanes.map(async ({ type, stream, partition }) => {
      const info = await jsm.consumers.info(stream, consumerName(type, partition));
      return info.ack_floor.stream_seq;
    }),
  );
  return lanes.flatMap((lane, index) => ((acknowledged[index] ?? 0) > checkpointOf(lane) ? [lane.partition] : []));
}

/** The lanes a store was written by: their number was fixed with the stream. */
function lanesOfStore(reader: StoreReader, type: ActorType): Lane[] | undefined {
  const stream = reader.streams().find((known) => known.type === type.name);
  if (stream === undefined) return undefined;
  return Array.from({ length: stream.partitions }, (_, partition) => ({ type, stream: stream.name, partition }));
}

async function verifySome(
  { log, type, selection, maxBytes, onProgress }: VerifyOptions,
  reader: StoreReader,
  lanes: readonly Lane[],
): Promise<Compared> {
  using stack = new DisposableStack();
  const deriver = openDeriver(maxBytes);
  stack.defer(deriver.close);
  const summary = {
    checked: 0,
    retired: selection !== "all" && "sample" in selection ? reader.countRetired(type.name) : 0,
    fromStore: 0,
    otherHistories: 0,
    found: 0,
    differences: [] as Compared["differences"],
  };
  const ids = idsOf(reader, type, selection);
  for (const [index, actorId] of ids.entries()) {
    const lane = lanes[partitionOf(actorId, lanes.length)];
    if (lane === undefined) continue;
    const { exists, isRetired, fromStore, isOtherHistory, differences } = await verifyActor(
      { jsm: log.jsm, images: reader.images, deriver },
      lane,
      actorId,
    );
    if (isRetired) summary.retired = Math.max(1, summary.retired);
    else if (exists) summary.checked++;
    summary.fromStore += fromStore;
    if (isOtherHistory) summary.otherHistories++;
    summary.found += differences.length;
    summary.differences = [...summary.differences, ...differences].slice(0, MAX_DIFFERENCES);
    onProgress("comparing", index + 1, ids.length);
  }
  return summary;
}

function idsOf({ images }: StoreReader, type: ActorType, selection: Selection): string[] {
  if (selection === "all") return [];
  if ("actorId" in selection) return [selection.actorId];
  const wanted = Math.min(selection.sample, images.count(type.name));
  const ids = new Set<string>();
  // Some are drawn twice; a bound, so that a sample of nearly all ends.
  for (let draw = 0; ids.size < wanted && draw < 20 * wanted; draw++) {
    const id = images.random(type.name);
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}
