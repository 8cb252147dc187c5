import type { StreamInfo } from "@nats-io/jetstream";
import type { StoredMessage } from "../flow/delivery.ts";
import type { Outbox, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, partitionOf } from "../wire/names.ts";
import { readReason } from "../wire/rejection.ts";
import { readDecision } from "./published-decisions.ts";
import { type Log, readStream } from "./stream-reader.ts";

export interface LearnPublishedOptions extends Log {
  readonly outbox: Outbox;
  readonly partitions: number;
  /** Told of a message that natstate did not write; it is passed over. */
  readonly onForeign?: (stream: string, message: StoredMessage) => void;
}

/**
 * Before a lane is read, learns what has been published for it since the store last knew: after a crash between publish
 * and note, after another owner, with an older copy of the store or with none. Then nothing is published again.
 *
 * Usually reads nothing; a new store reads both outbox streams once, in bulk.
 */
export async function learnPublished(options: LearnPublishedOptions, lanes: readonly Lane[]): Promise<void> {
  const { jsm, outbox } = options;
  const known = lanes.map((lane) => outbox.positions(lane));
  const decisions = (await jsm.streams.info(DECISIONS_STREAM)).state.last_seq;
  const deadLetters = (await jsm.streams.info(DEAD_LETTERS_STREAM)).state.last_seq;
  // Afterwards: whatever has caused one of those messages is stored by now.
  const sources = new Map<string, StreamInfo>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) sources.set(stream, await jsm.streams.info(stream));
  const learner = createLearner(options, lanes, sources);
  const decisionsFrom = Math.min(...known.map((positions) => positions.decisions)) + 1;
  for await (const batch of readStream(options, DECISIONS_STREAM, { from: decisionsFrom, to: decisions })) {
    learner.decisions(batch);
  }
  const deadLettersFrom = Math.min(...known.map((positions) => positions.deadLetters)) + 1;
  for await (const batch of readStream(options, DEAD_LETTERS_STREAM, { from: deadLettersFrom, to: deadLetters })) {
    learner.deadLetters(batch);
  }
  for (const lane of lanes) outbox.savePositions(lane, { decisions, deadLetters });
}

/** Sorts messages by the lanes they are of, and keeps what natstate wrote. @param sources - the event streams. */
function createLearner(
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
        outbox.learnDecisions(lane, learnt);
      }
    },
    deadLetters(messages: readonly StoredMessage[]): void {
      for (const [lane, group] of Map.groupBy(messages, laneOfDeadLetter)) {
        if (lane === undefined) continue;
        const source = sources.get(lane.stream);
        // A dead letter older than its stream is of one that was deleted: the same sequence is another message now.
        const createdMs = Date.parse(source?.created ?? "");
        const letters = group.flatMap((message) => {
          const letter = toDeadLetter(lane, message, source?.state.last_seq ?? 0);
          if (letter === undefined) onForeign(DEAD_LETTERS_STREAM, message);
          return letter !== undefined && letter.row.storedAtMs >= createdMs ? [letter] : [];
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
