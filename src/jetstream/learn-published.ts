import type { StreamInfo } from "@nats-io/jetstream";
import type { StoredMessage } from "../flow/delivery.ts";
import type { Outbox, OutboxStreams, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, partitionOf } from "../wire/names.ts";
import { readReason } from "../wire/rejection.ts";
import { coalesce } from "./coalesce.ts";
import type { MissingMessages } from "./missing-messages.ts";
import { noteVersions, refuseOlder } from "./newer-rules.ts";
import { checkOutboxStreams, type LostMessages } from "./outbox-streams.ts";
import { readDecision } from "./published-decisions.ts";
import { identityOf, type KnownPositions, readKnownIdentity, StreamIdentityError } from "./stream-identity.ts";
import { type Log, readStream } from "./stream-reader.ts";
import type { TopologyWatch } from "./topology-watch.ts";

/** What is already published is learnt before a lane is read, and whether it can be read from its checkpoint. */
export type Learning = ReturnType<typeof createLearning>;

export interface LearnPublishedOptions extends Log {
  readonly outbox: Outbox;
  readonly partitions: number;
  /** Told of a message that natstate did not write; it is passed over. */
  readonly onForeign?: (stream: string, message: StoredMessage) => void;
}

export interface LearningOptions extends LearnPublishedOptions {
  readonly records: KnownPositions;
  readonly outboxStreams: OutboxStreams;
  readonly missing: MissingMessages;
  readonly topology: TopologyWatch;
  readonly assigned: () => readonly Lane[];
  readonly onRefused: (error: StreamIdentityError) => void;
  /** What outbox streams have lost is due again; told when it is known what they still hold. */
  readonly onLost: (lost: readonly LostMessages[]) => void;
}

/** Holds streams against the store, and the store against what the streams hold of it. */
export function createLearning(options: LearningOptions) {
  const { jsm, records, outbox, outboxStreams, missing, topology, assigned, onRefused, onLost } = options;
  const untold: LostMessages[] = [];

  async function checkStream(lanes: readonly Lane[]): Promise<void> {
    for (const stream of new Set(lanes.map((lane) => lane.stream))) {
      await readKnownIdentity(jsm, records, stream);
    }
    await missing.check(lanes);
  }

  /** Nothing can be done about it here: whoever waits for it is to hear it too. */
  async function orRefuse(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof StreamIdentityError) onRefused(error);
      throw error;
    }
  }

  let losses = 0;
  const watched: OutboxStreams = {
    ...outboxStreams,
    forgetFrom(...lost) {
      losses++;
      return outboxStreams.forgetFrom(...lost);
    },
  };

  async function learnNow(lanes: readonly Lane[]): Promise<void> {
    // Noticed once; told when it is known what they still hold, which may take several attempts.
    untold.push(...(await checkOutboxStreams(jsm, watched)));
    const known = losses;
    await learnPublished(options, lanes, () => {
      if (losses > known) throw new Error("what was published has been lost meanwhile; it is learnt again");
    });
    if (untold.length > 0) onLost(untold.splice(0));
  }
  /** A new store reads both streams from their beginning: once for all lanes that begin at a time. */
  const learn = coalesce(learnNow);
  /** A lane that becomes ours stands still until it is learnt, and has little left: it does not wait for what is followed. */
  const learnFollowed = coalesce(learnNow);

  return {
    /** Lanes that become ours. Rejects with StreamIdentityError when they cannot be read from their checkpoints. */
    async take(lanes: readonly Lane[]): Promise<void> {
      await checkStream(lanes);
      await topology.refuse(lanes, true);
      await learn(lanes);
    },
    /**
     * A lane that is ours and is read again: whoever had it meanwhile has published for it. Rejects with NatsSetupError
     * when that was a newer version of its type.
     */
    async again(lane: Lane): Promise<void> {
      await orRefuse(() => checkStream([lane]));
      await topology.refuse([lane], false);
      await orRefuse(() => learn([lane]));
      refuseOlder(outbox, lane);
    },
    /** Throws NatsSetupError when a newer version of its type has decided, as far as is known. */
    refuseOlder: (lane: Lane): void => refuseOlder(outbox, lane),
    /** Lanes that are followed: is the stream theirs, and what has been published for them? Rejects as `take`. */
    async follow(lanes: readonly Lane[]): Promise<void> {
      await checkStream(lanes);
      await topology.refuse(lanes, false);
      await learnFollowed(lanes);
    },
    /** Is the stream still the one that the checkpoint speaks of? Tells `onRefused` and rejects when it is not. */
    checkStream: (lane: Lane) => orRefuse(() => checkStream([lane])),
    /** The same of a lane that is followed: only rejects. */
    checkFollowed: (lane: Lane) => checkStream([lane]),
    /** Learns what has been published for every lane of ours. Tells `onRefused` and rejects as `checkStream`. */
    all: () => orRefuse(() => learn(assigned())),
  };
}

/**
 * Learns what has been published for lanes since the store last knew: after a crash between publish and note, after
 * another owner, with an older copy of the store or with none. Then nothing is published again.
 *
 * Usually reads nothing; a new store reads both outbox streams once, in bulk.
 *
 * @param onLearnt - told before it is noted how far; where it throws, that is not noted.
 */
export async function learnPublished(
  options: LearnPublishedOptions,
  lanes: readonly Lane[],
  onLearnt = () => {},
): Promise<void> {
  const { jsm, outbox } = options;
  const known = lanes.map((lane) => outbox.positions(lane));
  const decisions = (await jsm.streams.info(DECISIONS_STREAM)).state.last_seq;
  const deadLetters = (await jsm.streams.info(DEAD_LETTERS_STREAM)).state.last_seq;
  // Afterwards: whatever has caused one of those messages is stored by now.
  const sources = new Map<string, StreamInfo>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) sources.set(stream, await jsm.streams.info(stream));
  const sorter = createLaneSorter(options, lanes, sources);
  const decisionsFrom = Math.min(...known.map((positions) => positions.decisions)) + 1;
  for await (const batch of readStream(options, DECISIONS_STREAM, { from: decisionsFrom, to: decisions })) {
    sorter.decisions(batch);
  }
  const deadLettersFrom = Math.min(...known.map((positions) => positions.deadLetters)) + 1;
  for await (const batch of readStream(options, DEAD_LETTERS_STREAM, { from: deadLettersFrom, to: deadLetters })) {
    sorter.deadLetters(batch);
  }
  onLearnt();
  for (const lane of lanes) outbox.savePositions(lane, { decisions, deadLetters });
}

/** Sorts messages by the lanes they are of, and keeps what natstate wrote. @param sources - the event streams. */
function createLaneSorter(
  { outbox, partitions, onForeign = () => {} }: LearnPublishedOptions,
  lanes: readonly Lane[],
  sources: ReadonlyMap<string, StreamInfo>,
) {
  const laneOf = (collection: string | undefined, partition: number) =>
    lanes.find((lane) => lane.type.collection === collection && lane.partition === partition);
  const laneOfDecision = ({ subject }: StoredMessage) => {
    const [, collection, actorId = ""] = subject.split(".");
    return laneOf(collection, partitionOf(actorId, partitions));
  };
  const laneOfDeadLetter = ({ header }: StoredMessage) => {
    const [collection, partition] = (header("Natstate-Subject") ?? "").split(".");
    return laneOf(collection, Number(partition));
  };
  return {
    decisions(messages: readonly StoredMessage[]): void {
      for (const [lane, group] of Map.groupBy(messages, laneOfDecision)) {
        if (lane === undefined) continue;
        const pastTo = sources.get(lane.stream)?.state.last_seq ?? 0;
        const learnt = group.flatMap((message) => {
          const decision = readDecision(lane.type, message);
          if (decision === undefined) onForeign(DECISIONS_STREAM, message);
          return decision === undefined ? [] : [{ ...decision, pastTo }];
        });
        noteVersions(outbox, lane, learnt);
        outbox.learnDecisions(lane, learnt);
      }
    },
    deadLetters(messages: readonly StoredMessage[]): void {
      for (const [lane, group] of Map.groupBy(messages, laneOfDeadLetter)) {
        if (lane === undefined) continue;
        const source = sources.get(lane.stream);
        // A dead letter older than its stream is of one that was deleted: the same sequence is another message now.
        const beginsAtMs = source === undefined ? Number.NaN : identityOf(source).beginsAtMs;
        const letters = group.flatMap((message) => {
          const letter = toDeadLetter(lane, message, source?.state.last_seq ?? 0);
          if (letter === undefined) onForeign(DEAD_LETTERS_STREAM, message);
          return letter !== undefined && letter.row.storedAtMs >= beginsAtMs ? [letter] : [];
        });
        outbox.importDeadLetters(lane, letters);
      }
    },
  };
}

/** @returns undefined when natstate did not write it; it cannot be of a message that was stored after it. */
function toDeadLetter(
  lane: Lane,
  message: StoredMessage,
  lastSequence: number,
): PublishedRow<DeadLetterRow> | undefined {
  const sequence = Number(message.header("Natstate-Sequence"));
  const reason = readReason(message.header("Natstate-Reason"));
  if (message.header("Natstate-Stream") !== lane.stream || reason === undefined) return undefined;
  if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence > lastSequence) return undefined;
  const row: DeadLetterRow = {
    type: lane.type.name,
    stream: lane.stream,
    partition: lane.partition,
    sequence,
    former: 0,
    subject: message.header("Natstate-Subject") ?? "",
    reason,
    error: message.header("Natstate-Error") ?? "",
    storedAtMs: message.storedAtMs,
    body: message.body,
    headers: "[]",
  };
  return { row, sequence: message.sequence };
}
