import type { JetStreamManager } from "@nats-io/jetstream";
import type { BatchResult } from "../flow/batch-result.ts";
import { type Clock, SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import type { LaneRecords } from "../flow/lane-records.ts";
import type { Lane } from "../wire/lanes.ts";
import { createSequenceSet, type SequenceRange, type SequenceSet } from "./sequence-set.ts";
import { StreamIdentityError } from "./stream-identity.ts";

/** Messages are gone that these lanes have not read. */
export class MissingMessagesError extends StreamIdentityError {
  /** Whoever has read the lane up to here misses nothing. */
  readonly goneTo: number;
  readonly lanes: readonly Lane[];

  constructor(message: string, goneTo: number, lanes: readonly Lane[]) {
    super(message);
    this.goneTo = goneTo;
    this.lanes = lanes;
  }
}

/** Knows which messages a stream no longer has, and whether somebody of ours has read them. */
export type MissingMessages = ReturnType<typeof createMissingMessages>;

/** What is gone may have been delivered before, and is applied in so long. */
const ON_ITS_WAY_MS = 300;
const LOOKS = 3;
/** The store may be unwritable for long; whoever asks asks again. */
const LOOKS_WHILE_QUEUED = 10;

/**
 * Sequences of a stream are dense: one between two others that is not there was there, and is gone, though nobody can
 * say any more of which partition it was. It is no loss for a lane that has read further, nor when a lane of ours has
 * applied it. Anything else may have been the lane's, and unread.
 *
 * @param queued - sequences of a stream's deliveries that have arrived and are not applied yet.
 */
export function createMissingMessages(
  jsm: JetStreamManager,
  records: Pick<LaneRecords, "intactTo" | "saveCompleteTo">,
  queued: (stream: string) => readonly number[],
  clock: Clock = SYSTEM_CLOCK,
) {
  const seen = new Map<string, SequenceSet>();
  /** What was gone when it was last no loss to these lanes: as long as it is no more, it is none. */
  const cleared = new Map<string, { readonly gone: string; readonly lanes: ReadonlySet<Lane> }>();

  async function checkStream(stream: string, lanes: readonly Lane[]): Promise<void> {
    for (let look = 1; ; look++) {
      const { created, state } = await jsm.streams.info(stream);
      const known = `${created} ${state.first_seq} ${state.num_deleted ?? 0}`;
      const before = cleared.get(stream);
      if (before?.gone === known && lanes.every((lane) => before.lanes.has(lane))) return;
      const base = Math.max(0, Math.min(...lanes.map(records.intactTo)));
      const gone = await listGone(jsm, stream, base);
      const unread = gone.ranges.flatMap((range) => seen.get(stream)?.missingOf(range) ?? [range]);
      const behind = lanes.filter((lane) => (unread.at(-1)?.to ?? Number.NEGATIVE_INFINITY) > records.intactTo(lane));
      if (behind.length === 0) {
        records.saveCompleteTo(new Map(lanes.map((lane) => [lane, gone.firstSequence - 1])));
        const others = before?.gone === known ? before.lanes : [];
        cleared.set(stream, { gone: known, lanes: new Set([...others, ...lanes]) });
        return;
      }
      const isQueued = queued(stream).some((sequence) =>
        unread.some(({ from, to }) => from <= sequence && sequence <= to),
      );
      if (!isQueued && look >= LOOKS) throw refusal(stream, unread, behind);
      if (look >= LOOKS_WHILE_QUEUED) throw new Error(`messages of ${stream} are gone that are not applied yet`);
      await waitFor(clock, ON_ITS_WAY_MS);
    }
  }

  return {
    /** These are applied: should the stream lose them, nobody misses them. */
    applied({ handled }: BatchResult): void {
      for (const { delivery } of handled) {
        const { stream } = delivery.lane;
        const set = seen.get(stream) ?? createSequenceSet();
        seen.set(stream, set);
        set.add(delivery.sequence);
      }
    },
    /**
     * Refuses lanes of which messages may be gone that were never read. What is gone and was read is noted.
     *
     * @throws MissingMessagesError with the command that resolves it; Error when what is gone may still be on its way to us.
     */
    async check(lanes: readonly Lane[]): Promise<void> {
      for (const [stream, own] of Map.groupBy(lanes, (lane) => lane.stream)) await checkStream(stream, own);
    },
    /** What the stream no longer has is nobody's loss from now on. */
    async accept(lanes: readonly Lane[]): Promise<void> {
      for (const [stream, own] of Map.groupBy(lanes, (lane) => lane.stream)) {
        const { firstSequence, ranges } = await listGone(jsm, stream, 0);
        const highest = ranges.at(-1)?.to ?? firstSequence - 1;
        records.saveCompleteTo(new Map(own.map((lane) => [lane, highest])));
      }
    },
    /** The lanes were looked at, and are all that are read: what is applied below is not kept in memory any longer. */
    forget(lanes: readonly Lane[]): void {
      for (const [stream, own] of Map.groupBy(lanes, (lane) => lane.stream)) {
        seen.get(stream)?.forgetBelow(Math.min(...own.map(records.intactTo)));
      }
    },
  };
}

/** Which sequences above `base` the stream had and no longer has, ascending. */
async function listGone(
  jsm: JetStreamManager,
  stream: string,
  base: number,
): Promise<{ readonly firstSequence: number; readonly ranges: readonly SequenceRange[] }> {
  const { state } = await jsm.streams.info(stream, { deleted_details: true });
  // A stream that never had a message says 0.
  const firstSequence = Math.max(1, state.first_seq);
  const ranges: { from: number; to: number }[] = [];
  if (base + 1 < firstSequence) ranges.push({ from: base + 1, to: firstSequence - 1 });
  for (const sequence of state.deleted?.toSorted((a, b) => a - b) ?? []) {
    if (sequence <= base) continue;
    const last = ranges.at(-1);
    if (last?.to === sequence - 1) last.to = sequence;
    else ranges.push({ from: sequence, to: sequence });
  }
  return { firstSequence, ranges };
}

function refusal(stream: string, unread: readonly SequenceRange[], behind: readonly Lane[]): MissingMessagesError {
  const { from = 0 } = unread[0] ?? {};
  const { to = 0 } = unread.at(-1) ?? {};
  const partitions = behind.map((lane) => lane.partition).join(", ");
  return new MissingMessagesError(
    `stream ${stream} no longer has messages between ${from} and ${to} that were never read (partitions ${partitions}, as far as can be told): they were purged, deleted or are older than its max age. What they were about would be incomplete. Start a daemon that has read them, it gives this one a copy of what it has; restore a newer copy of the store; or accept the loss by running once: npx natstate start --accept-stream ${stream}`,
    to,
    behind,
  );
}
