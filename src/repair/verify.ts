import { mkdtempSync, rmSync } from "node:fs";
import type { ActorType } from "../../machines/actor-type.ts";
import type { Lane } from "../flow/ports.ts";
import { readKnownIdentity } from "../jetstream/identity.ts";
import { partitionOf } from "../jetstream/names.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import { StoreError } from "../store/store-error.ts";
import { openDeriver } from "./derive.ts";
import type { Log, OnProgress } from "./replay-log.ts";
import { verifyActor } from "./verify-actor.ts";
import { MAX_DIFFERENCES, type Verification, verifyAll } from "./verify-all.ts";

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
 * @returns `checked` and `retired` are 0 when there is no such actor.
 * @throws StoreError when there is no store, or it has read nothing yet; StreamIdentityError when it has read another
 *   stream than there is.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { log, storeFile, type, selection } = options;
  const reader = openReader(storeFile);
  try {
    const lanes = lanesOfStore(reader, type);
    await readKnownIdentity(log.jsm, reader.records, lanes[0]?.stream ?? "");
    if (selection !== "all") return await verifySome(options, reader, lanes);
    // Beside the store, where there is room for another one; the system's own directory for such things may be small.
    const directory = mkdtempSync(`${storeFile}.verify-`);
    try {
      return await verifyAll({ ...options, lanes, directory });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  } finally {
    reader.close();
  }
}

/** The lanes a store was written by: their number was fixed with the stream. */
export function lanesOfStore(reader: StoreReader, type: ActorType): Lane[] {
  const stream = reader.streams().find((known) => known.type === type.name);
  if (stream === undefined) throw new StoreError(`the store has not read any ${type.collection} yet`);
  return Array.from({ length: stream.partitions }, (_, partition) => ({ type, stream: stream.name, partition }));
}

async function verifySome(
  { log, type, selection, maxBytes, onProgress }: VerifyOptions,
  reader: StoreReader,
  lanes: readonly Lane[],
): Promise<Verification> {
  const deriver = openDeriver(maxBytes);
  const summary = {
    checked: 0,
    retired: selection !== "all" && "sample" in selection ? reader.countRetired(type.name) : 0,
    fromStore: 0,
    otherHistories: 0,
    found: 0,
    differences: [] as Verification["differences"],
  };
  try {
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
  } finally {
    deriver.close();
  }
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
