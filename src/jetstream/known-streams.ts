import type { OutboxStreams } from "../flow/outbox.ts";
import type { Lane } from "../flow/ports.ts";
import { NatsSetupError } from "./connect.ts";
import { type KnownPositions, otherStream, refusal } from "./identity.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, partitionOf } from "./names.ts";
import { otherOutboxStream } from "./outbox-streams.ts";
import type { StreamIdentity } from "./topology.ts";

/** What the store knows of event streams, and learns. */
export interface StreamRecords extends KnownPositions {
  streamPartitions(stream: string): number | undefined;
  saveStream(type: string, stream: string, created: string, partitions: number): void;
  saveCompleteTo(lanes: ReadonlyMap<Lane, number>): void;
  forgetStream(
    stream: string,
    division: { readonly partitions: number; readonly partitionOf: (actorId: string) => number },
  ): number;
}

export interface KnownStreamsOptions {
  readonly records: StreamRecords;
  readonly outboxStreams: OutboxStreams;
  /** Event streams, DECISIONS and DEAD_LETTERS. */
  readonly found: readonly StreamIdentity[];
  readonly lanes: readonly Lane[];
  readonly partitions: number;
  /** Names of streams whose recreation or loss of messages is accepted. */
  readonly accepted: readonly string[];
  /** @param what - of it: how much is forgotten, or due again. */
  readonly onAccepted: (stream: StreamIdentity, what: Accepted) => void;
}

/** What became of what the store had of a stream. */
export type Accepted = { readonly forgottenDeadLetters: number } | { readonly dueAgain: number };

/**
 * Holds the streams that are there against those the store knows, and notes them.
 *
 * @throws StreamIdentityError when one is another than it was and that is not accepted; NatsSetupError when one that
 *   is accepted does not exist.
 */
export function rememberStreams(options: KnownStreamsOptions): void {
  const { records, outboxStreams, found, lanes, partitions, accepted, onAccepted } = options;
  for (const name of accepted) {
    const stream = found.find((known) => known.name === name);
    if (stream === undefined) throw new NatsSetupError(`--accept-stream ${name}: there is no such stream`);
    onAccepted(stream, isOutbox(name) ? acceptOutbox(outboxStreams, stream) : acceptEvents(options, stream));
  }
  const problems = found.flatMap((stream) => {
    const problem = isOutbox(stream.name)
      ? otherOutboxStream(outboxStreams.find(stream.name), stream)
      : (otherStream(records, stream) ?? otherDivision(records, stream, partitions));
    return problem === undefined ? [] : [{ stream: stream.name, problem }];
  });
  if (problems.length > 0) throw refusal(problems);
  for (const { name, created } of found) {
    if (isOutbox(name)) outboxStreams.save(name, created);
    const lane = lanes.find(({ stream }) => stream === name);
    if (lane !== undefined) records.saveStream(lane.type.name, name, created, partitions);
  }
}

function isOutbox(stream: string): boolean {
  return stream === DECISIONS_STREAM || stream === DEAD_LETTERS_STREAM;
}

/** What it still holds is recognised when it is read; everything else that has not aged out is due again. */
function acceptOutbox(outboxStreams: OutboxStreams, { name, created, firstSequence }: StreamIdentity): Accepted {
  // Another stream's sequences say nothing about what has aged out of this one.
  const isSame = outboxStreams.find(name)?.created === created;
  const dueAgain = outboxStreams.forgetFrom(name, isSame ? firstSequence : 1);
  outboxStreams.save(name, created);
  return { dueAgain };
}

function acceptEvents({ records, lanes, partitions }: KnownStreamsOptions, stream: StreamIdentity): Accepted {
  const { name, firstSequence } = stream;
  const forgottenDeadLetters = records.forgetStream(name, {
    partitions,
    partitionOf: (actorId) => partitionOf(actorId, partitions),
  });
  // What is missing before its first message is accepted too.
  const own = lanes.filter((lane) => lane.stream === name);
  records.saveCompleteTo(new Map(own.map((lane) => [lane, firstSequence - 1])));
  return { forgottenDeadLetters };
}

/** Checkpoints are of partitions: divided otherwise, a partition holds what another one's checkpoint speaks of. */
function otherDivision(records: StreamRecords, { name }: StreamIdentity, partitions: number): string | undefined {
  const known = records.streamPartitions(name);
  if (known === undefined || known === partitions) return undefined;
  return `stream ${name} is divided into ${partitions} partitions, but the store has read it in ${known}: its subject transform was edited. It would be read again from its first message; events the store has already are recognised.`;
}
