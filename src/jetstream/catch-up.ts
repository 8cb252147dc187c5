import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { ImportedDecision, Outbox, OutboxPositions, PublishedRow } from "../flow/outbox.ts";
import { type DeadLetterRow, type Lane, REJECTION_REASONS, type RejectionReason } from "../flow/ports.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, partitionOf } from "./names.ts";
import { readStream, type StreamMessage } from "./outbox-reader.ts";

/**
 * Before a lane is read, learns what has been published for it since the store last knew: after a crash between publish
 * and note, after another owner, with an older copy of the store or with none. Then nothing is published again.
 *
 * Usually reads nothing; a new store reads both outbox streams once, in bulk.
 */
export async function catchUpOutbox(
  jsm: JetStreamManager,
  js: JetStreamClient,
  outbox: Outbox,
  lanes: readonly Lane[],
  partitions: number,
): Promise<void> {
  const known = new Map<Lane, OutboxPositions>(lanes.map((lane) => [lane, outbox.positions(lane)]));
  const laneOf = (collection: string | undefined, partition: number) =>
    lanes.find((lane) => lane.type.collection === collection && lane.partition === partition);

  const decisionsFrom = Math.min(...[...known.values()].map((positions) => positions.decisions)) + 1;
  const decisions = await readStream(jsm, js, DECISIONS_STREAM, decisionsFrom, (messages) => {
    const found = groupBy(messages, (message) => {
      const [, collection, actorId = ""] = message.subject.split(".");
      return laneOf(collection, partitionOf(actorId, partitions));
    });
    for (const [lane, group] of found) outbox.importDecisions(lane, group.map(toDecision).filter(isPresent));
  });

  const created = new Map<string, number>();
  for (const stream of new Set(lanes.map((lane) => lane.stream))) {
    created.set(stream, Date.parse((await jsm.streams.info(stream)).created));
  }
  const deadLettersFrom = Math.min(...[...known.values()].map((positions) => positions.deadLetters)) + 1;
  const deadLetters = await readStream(jsm, js, DEAD_LETTERS_STREAM, deadLettersFrom, (messages) => {
    const found = groupBy(messages, (message) => {
      const [collection, partition] = (message.header("Natstate-Subject") ?? "").split(".");
      return laneOf(collection, Number(partition));
    });
    for (const [lane, group] of found) {
      // A dead letter older than its stream is of one that was deleted: the same sequence is another message now.
      const own = group.filter(({ storedAtMs }) => storedAtMs >= (created.get(lane.stream) ?? 0));
      outbox.importDeadLetters(lane, own.map((message) => toDeadLetter(lane, message)).filter(isPresent));
    }
  });
  for (const lane of lanes) outbox.savePositions(lane, { decisions, deadLetters });
}

/** A message of DECISIONS; undefined when natstate did not write it. */
export function toDecision(message: StreamMessage): ImportedDecision | undefined {
  const revision = Number(message.header("Natstate-Revision"));
  const actorId = message.subject.slice(message.subject.lastIndexOf(".") + 1);
  if (!Number.isSafeInteger(revision) || revision < 1) return undefined;
  return { actorId, revision, sequence: message.sequence, payload: Buffer.from(message.data).toString("utf8") };
}

function toDeadLetter(lane: Lane, message: StreamMessage): PublishedRow<DeadLetterRow> | undefined {
  const sequence = Number(message.header("Natstate-Sequence"));
  const reason = message.header("Natstate-Reason");
  if (message.header("Natstate-Stream") !== lane.stream || !isReason(reason)) return undefined;
  if (!Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  const row: DeadLetterRow = {
    type: lane.type.name,
    stream: lane.stream,
    partition: lane.partition,
    sequence,
    subject: message.header("Natstate-Subject") ?? "",
    reason,
    error: message.header("Natstate-Error") ?? "",
    storedAtMs: message.storedAtMs,
    body: message.data,
    headers: "[]",
  };
  return { row, sequence: message.sequence };
}

function isReason(reason: string | undefined): reason is RejectionReason {
  return REJECTION_REASONS.some((known) => known === reason);
}

function isPresent<Value>(value: Value | undefined): value is Value {
  return value !== undefined;
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
