import { existsSync, rmSync } from "node:fs";
import type { ActorType } from "../actor/actor-type.ts";
import { readDecision } from "../jetstream/published-decisions.ts";
import type { StreamIdentity } from "../jetstream/stream-identity.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import { type Log, readStream } from "../jetstream/stream-reader.ts";
import { carryOtherTypes } from "../store/carry-types.ts";
import { checkStore } from "../store/checkup.ts";
import { createContradictions, type Inspector, type StoreCounts } from "../store/contradictions.ts";
import { removeStore, sealStore, swapStore } from "../store/copy.ts";
import { lockStore, openDatabase } from "../store/database.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, eventStream } from "../wire/names.ts";
import type { OnProgress } from "./derive-store.ts";
import { fillStore, type RebuildOptions } from "./fill-store.ts";

export interface Rebuilt extends StoreCounts {
  /** True: an earlier rebuild had been interrupted, and was gone on with. */
  readonly resumed: boolean;
  /** Events that were taken from the old store, because no stream has them any more. */
  readonly fromOldStore: number;
  /** Streams of types that are in the old store and nobody names today: what it has of them is taken over as it is. */
  readonly untouched: readonly string[];
  /** What is otherwise because the version of its type was raised: no difference. */
  readonly explained: readonly string[];
  /** What was accepted. */
  readonly differences: readonly string[];
  /** Where the old store is kept, null when there was none. */
  readonly kept: string | null;
}

/** The new store is not put in place; it stays beside the old one. */
export class RebuildError extends Error {
  override readonly name = "RebuildError";
}

/**
 * Makes a new store from the log, beside the old one, and puts it in its place once it is verified. Publishes nothing:
 * what is due stays due for the next start.
 *
 * Killed at any moment it has changed nothing; started again it goes on where it was.
 *
 * @throws StoreError when a daemon uses the store; RebuildError when the new store lacks something.
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { log, types, storeFile, acceptDifferences } = options;
  using stack = new DisposableStack();
  stack.defer(lockStore(storeFile));
  const draft = `${storeFile}.rebuild`;
  const streams = await Promise.all(types.map((type) => readIdentity(log.jsm, eventStream(type))));
  const resumed = keepDraft(draft, streams);
  const made = await makeDraft(options, draft, streams);
  const damage = sealStore(draft);
  if (damage !== null) throw new RebuildError(`${draft} is not sound: ${damage}. Is the disk? Run rebuild again`);
  if (made.differences.length > 0 && !acceptDifferences) throw notPutInPlace(draft, made.differences);
  const kept = swapStore(draft, storeFile);
  removeDraft(draft);
  return { ...made, resumed, kept };
}

/** @returns true when there is a draft to go on with; one made from other streams is worth nothing. */
function keepDraft(draft: string, streams: readonly StreamIdentity[]): boolean {
  if (!existsSync(draft)) return false;
  try {
    const reader = openReader(draft);
    const known = reader.streams();
    reader.close();
    if (known.every(({ name, created }) => streams.some((now) => now.name === name && now.created === created))) {
      return known.length > 0;
    }
  } catch {
    // Not even a database.
  }
  removeDraft(draft);
  return false;
}

function removeDraft(draft: string): void {
  removeStore(draft);
  rmSync(`${draft}.lock`, { force: true });
}

/** @returns undefined when there is none, the error when it cannot be read or relied on. */
function openOld(storeFile: string): StoreReader | undefined | Error {
  if (!existsSync(storeFile)) return undefined;
  try {
    // A damaged one would give some of what it has, and nobody could say how much.
    const damage = checkStore(storeFile)?.damage ?? null;
    return damage === null ? openReader(storeFile) : new Error(damage);
  } catch (error) {
    return error as Error;
  }
}

async function makeDraft(
  options: RebuildOptions,
  draft: string,
  streams: readonly StreamIdentity[],
): Promise<Omit<Rebuilt, "resumed" | "kept">> {
  const { storeFile, types, log } = options;
  using stack = new DisposableStack();
  const old = openOld(storeFile);
  const readable = old instanceof Error ? undefined : old;
  if (readable !== undefined) stack.defer(readable.close);
  const { db, close } = openDatabase(draft);
  stack.defer(close);
  const fromOldStore = await fillStore(options, db, readable);
  const raised = raisedSince(readable, types);
  const inspector = createContradictions(db, (type, actorId) => raised(type, actorId) !== undefined);
  const published = await compareWithDecisions(log, types, { inspector, raised }, options.onProgress);
  const differences = [
    ...lostWithOld(old, streams, options.lanes),
    ...inspector.contradictions(),
    ...published.differences,
    ...(readable === undefined ? [] : compareWithOld(inspector, options)),
  ];
  const counts = inspector.counts();
  const isPutInPlace = differences.length === 0 || options.acceptDifferences;
  const names = types.map(({ name }) => name);
  const untouched = readable !== undefined && isPutInPlace ? carryOtherTypes(db, storeFile, names) : [];
  return { ...counts, fromOldStore, untouched, explained: published.explained, differences };
}

/** What has left the streams and cannot be had from the old store. */
function lostWithOld(
  old: StoreReader | undefined | Error,
  streams: readonly StreamIdentity[],
  lanes: readonly Lane[],
): string[] {
  const why = old instanceof Error ? `the old store cannot be read (${old.message})` : "there is no old store";
  return streams.flatMap(({ name, created, firstSequence, holes }) => {
    if (old === undefined || old instanceof Error) {
      const aged = `what ${name} held before ${firstSequence} has left it, and ${why}: what is from then is incomplete`;
      const purged = `${holes} messages are gone from between others of ${name}, and ${why}: those they were about are incomplete`;
      return [...(firstSequence > 1 ? [aged] : []), ...(holes > 0 ? [purged] : [])];
    }
    const known = old.records.streamCreated(name);
    const behind = lanes.filter((lane) => lane.stream === name && old.records.completeTo(lane) + 1 < firstSequence);
    return [
      ...(known === undefined || known === created
        ? []
        : [`the old store has read a ${name} created ${known}, this one was created ${created}`]),
      ...(behind.length === 0
        ? []
        : [`what ${name} held before ${firstSequence} has left it, and the old store had not read all of it`]),
    ];
  });
}

/** @returns `version 1 → 2` of an actor whose old row was saved by another version of its type; else undefined. */
type Raised = (type: string, actorId: string) => string | undefined;

function raisedSince(old: StoreReader | undefined, types: readonly ActorType[]): Raised {
  const versions = new Map(types.map(({ name, version }) => [name, version]));
  return (type, actorId) => {
    const before = old?.savedBy(type, actorId);
    const now = versions.get(type);
    return before === undefined || before === now ? undefined : `version ${before} → ${now}`;
  };
}

async function compareWithDecisions(
  log: Log,
  types: readonly ActorType[],
  { inspector, raised }: { readonly inspector: Inspector; readonly raised: Raised },
  onProgress: OnProgress,
): Promise<Pick<Rebuilt, "explained" | "differences">> {
  /** By what explains them, "" when nothing does. */
  const otherwise = new Map<string, string[]>();
  const { lastSequence } = await readIdentity(log.jsm, DECISIONS_STREAM);
  for await (const messages of readStream(log, DECISIONS_STREAM)) {
    for (const message of messages) {
      const type = types.find(({ collection }) => collection === message.subject.split(".")[1]);
      const decision = type && readDecision(type, message);
      if (type === undefined || decision === undefined || inspector.holds(type.name, decision)) continue;
      const why = raised(type.name, decision.actorId);
      const key = why === undefined ? "" : ` (${type.name}, ${why})`;
      const told = otherwise.get(key) ?? [];
      told.push(`${decision.actorId} revision ${decision.revision}`);
      otherwise.set(key, told);
    }
    onProgress(`comparing with ${DECISIONS_STREAM}`, messages.at(-1)?.sequence ?? lastSequence, lastSequence);
  }
  const tell = ([why, told]: readonly [string, readonly string[]]) => {
    const [what, whom] = told.length === 1 ? ["1 decision is", "it"] : [`${told.length} decisions are`, "them"];
    return `${what} not as DECISIONS has ${whom}: ${told.slice(0, 5).join(", ")}${why}`;
  };
  return {
    explained: [...otherwise].filter(([why]) => why !== "").map(tell),
    differences: [...otherwise].filter(([why]) => why === "").map(tell),
  };
}

function compareWithOld(inspector: Inspector, { storeFile, types }: RebuildOptions): string[] {
  const { count, actorIds } = inspector.missingFrom(
    storeFile,
    types.map(({ name }) => name),
  );
  const what = count === 1 ? "1 event of the old store is" : `${count} events of the old store are`;
  return count === 0 ? [] : [`${what} not in the log, of ${actorIds.join(", ")}`];
}

function notPutInPlace(draft: string, differences: readonly string[]): RebuildError {
  return new RebuildError(
    `the new store is made, but differs:\n  ${differences.join("\n  ")}\nIt stays at ${draft}, and nothing was changed. When that is as it should be: npx natstate rebuild --accept-differences`,
  );
}
