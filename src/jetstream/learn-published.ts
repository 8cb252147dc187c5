import type { JetStreamClient, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import type { Outbox, OutboxPositions, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, partitionOf } from "../wire/names.ts";
import { readReason } from "../wire/rejection.ts";
import { readDecision } from "./published-decisions.ts";
import { readStream, type StreamMessage } from "./stream-reader.ts";

export interface CatchUpOptions {
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  readonly outbox: Outbox;
  readonly partitions: number;
  /** Told of a message that natstate did not write; it is passed over. */
  readonly onForeign?: (stream: string, message: StreamMessage) => void;
}

/**
 * Before a lane is read, learns what has been published for it since the store last knew: after a crash between publish
 * and note, after another owner, with an older copy of the store or with none. Then nothing is published again.
 *
 * Usually reads nothing; a new store reads both outbox streams once, in bulk.
 */
export async function catchUpOutbox(options: CatchUpOptions, lanes: readonly Lane[]): Promise<void> {
  const { jsm, js, outbox, partitions, onForeign = () => {} } = options;
  const known = new Map<Lane, OutboxPositions>(lanes.map((lane) => [lane, outbox.positions(lane)]));
  const decisions = (await jsm.streams.info(DECISIONS_STREAM)).state.last_seq;
  const deadLetters = (await jsm.streams.info(DEAD_LETTERS_STREAM)).state.last_seq;
  // Afterwards: whatever has caused one of those messages is stored by now.
  const sources = new Map<string, StreamInfo>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) sources.set(stream, await jsm.streams.info(stream));
  const laneOf = (collection: string | undefined, partition: number) =>
    lanes.find((lane) => lane.type.collection === collection && lane.partition === partition);

  const decisionsFrom = Math.min(...[...known.values()].map((positions) => positions.decisions)) + 1;
  const learnDecisions = (messages: readonly StreamMessage[]) => {
    const found = groupBy(messages, ({ subject }) => {
      const [, collection, actorId = ""] = subject.split(".");
      return laneOf(collection, partitionOf(actorId, partitions));
    });
    for (const [lane, group] of found) {
      const pastTo = sources.get(lane.stream)?.state.last_seq ?? 0;
      const learnt = group.flatMap((message) => {
        const decision = readDecision(lane.type, message);
        if (decision === undefined) onForeign(DECISIONS_STREAM, message);
        return decision === undefined ? [] : [{ ...decision, pastTo }];
      });
      outbox.learnDecisions(lane, learnt);
    }
  };
  await readStream(jsm, js, DECISIONS_STREAM, decisionsFrom, learnDecisions, decisions);

  const deadLettersFrom = Math.min(...[...known.values()].map((positions) => positions.deadLetters)) + 1;
  const learnDeadLetters = (messages: readonly StreamMessage[]) => {
    const found = groupBy(messages, (message) => {
      const [collection, partition] = (message.header("Natstate-Subject") ?? "").split(".");
      return laneOf(collection, Number(partition));
    });
    for (const [lane, group] of found) {
      const source = sources.get(lane.stream);
      const letters = group.flatMap((message) => {
        const letter = toDeadLetter(lane, message, source?.state.last_seq ?? 0);
        if (letter === undefined) onForeign(DEAD_LETTERS_STREAM, message);
        return letter ?? [];
      });
      // A dead letter older than its stream is of one that was deleted: the same sequence is another message now.
      const createdMs = Date.parse(source?.created ?? "");
      outbox.importDeadLetters(
        lane,
        letters.filter(({ row }) => row.storedAtMs >= createdMs),
      );
    }
  };
  await readStream(jsm, js, DEAD_LETTERS_STREAM, deadLettersFrom, learnDeadLetters, deadLetters);
  for (const lane of lanes) outbox.savePositions(lane, { decisions, deadLetters });
}

/** @returns undefined when natstate did not write it; it cannot be of a message that was stored after it. */
function toDeadLetter(
  lane: Lane,
  message: StreamMessage,
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
    body: message.data,
    headers: "[]",
  };
  return { row, sequence: message.sequence };
}

function groupBy(
  messages: readonly StreamMessage[],
  laneOf: (message: StreamMessage) => Lane | undefined,
): Map<Lane, StreamMessage[]> {
  const groups = new Map<Lane, StreamMessage[]>();
  for (const message of messages) {
    const lane = laneOf(message);
    if (lane === undefined) continue;
    const group = groups.get(lane);
    if (group === undefined) groups.set(lane, [message]);
    else group.push(message);
  }
  return groups;
}
