import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { LaneRecords } from "../flow/lane-records.ts";
import { isStreamMissing } from "./connect.ts";

/** By so much the clocks of the servers that date a stream and its first message may differ. */
const SKEW_MS = 1000;

/** The stream is not the one the store knows, or has lost messages. Nothing is read until a person has decided. */
export class StreamIdentityError extends Error {
  override readonly name = "StreamIdentityError";
}

export interface StreamIdentity {
  readonly name: string;
  /** RFC 3339; a recreated stream has another. */
  readonly created: string;
  /** At least 1, also of a stream that never had a message. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Messages that are gone from between others. */
  readonly holes: number;
  /** Made anew of a copy: a cluster gives such a stream the date of its restoration, its messages keep theirs. */
  readonly isRestored: boolean;
  /** What was stored before is of a former stream of this name. */
  readonly beginsAtMs: number;
}

/** The part of the store the checks need. */
export type KnownPositions = Pick<LaneRecords, "streamCreated" | "highestCheckpoint">;

/**
 * Reads what identifies a stream now.
 *
 * @throws StreamIdentityError when there is none: somebody deleted it while it was read.
 */
export async function readIdentity(jsm: JetStreamManager, stream: string): Promise<StreamIdentity> {
  const info = await jsm.streams.info(stream).catch((error: unknown) => {
    if (!isStreamMissing(error)) throw error;
    throw new StreamIdentityError(
      `stream ${stream} is gone: it was deleted while natstate read it. Restore it (nats stream restore), or begin with a new one on top of what is in the store: npx natstate start --accept-stream ${stream}`,
      { cause: error },
    );
  });
  return identityOf(info);
}

export function identityOf({ config, created, state }: StreamInfo): StreamIdentity {
  const createdMs = Date.parse(created);
  const firstMs = Date.parse(state.first_ts);
  const isRestored = state.messages > 0 && createdMs - firstMs > SKEW_MS;
  return {
    name: config.name,
    created,
    firstSequence: Math.max(1, state.first_seq),
    lastSequence: state.last_seq,
    holes: state.num_deleted ?? 0,
    isRestored,
    beginsAtMs: isRestored ? firstMs - SKEW_MS : createdMs,
  };
}

/**
 * Reads what identifies a stream that is being read from, and refuses another one. Sequences start anew in a recreated
 * stream, and everything in it would silently be skipped as already applied.
 *
 * @throws StreamIdentityError with the command that resolves it; see also {@link readIdentity}.
 */
export async function readKnownIdentity(
  jsm: JetStreamManager,
  known: KnownPositions,
  stream: string,
): Promise<StreamIdentity> {
  // Before the stream is asked: what is stored and committed after its answer does not contradict it.
  const checkpoint = known.highestCheckpoint(stream);
  const identity = await readIdentity(jsm, stream);
  const problem = otherStream({ ...known, highestCheckpoint: () => checkpoint }, identity);
  if (problem !== undefined) throw refusal([{ stream, problem }]);
  return identity;
}

/** Why a stream is not the one the checkpoints speak of, undefined when it is. */
export function otherStream(known: KnownPositions, found: StreamIdentity): string | undefined {
  const created = known.streamCreated(found.name);
  if (created === undefined) return undefined;
  if (created !== found.created) {
    return `stream ${found.name} was created ${found.created}, but the store has read one created ${created}: it was deleted and made anew, or NATS_URL points elsewhere. Its messages would be read from the first on, on top of what is in the store.`;
  }
  const checkpoint = known.highestCheckpoint(found.name);
  if (checkpoint <= found.lastSequence) return undefined;
  return `stream ${found.name} ends at ${found.lastSequence}, but the store has read ${checkpoint}: the server lost its last messages or was restored from a copy. It would be read again from its first message; events the store has already are recognised.`;
}

/** What is wrong with streams, with the one command that accepts all of it. */
export function refusal(
  problems: readonly { readonly stream: string; readonly problem: string }[],
): StreamIdentityError {
  const flags = problems.map(({ stream }) => `--accept-stream ${stream}`).join(" ");
  const what = problems.map(({ problem }) => problem).join("\n");
  return new StreamIdentityError(`${what}\nIf that is what you want, run once: npx natstate start ${flags}`);
}
