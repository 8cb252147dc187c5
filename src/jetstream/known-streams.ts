import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { LaneRecords } from "../flow/lane-records.ts";
import type { OutboxStreams } from "../flow/outbox.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream, partitionOf } from "../wire/names.ts";
import { NatsSetupError } from "./connect.ts";
import { checkOutboxStreams, type LostMessages, otherOutboxStream } from "./outbox-streams.ts";
import { otherStream, readIdentity, refusal, type StreamIdentity, StreamIdentityError } from "./stream-identity.ts";

export interface KnownStreamsOptions {
  readonly jsm: JetStreamManager;
  readonly records: LaneRecords;
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
 * Holds the streams that are there against those the store knows, and notes them. Nothing is accepted unless everything
 * is that has to be.
 *
 * @returns what DECISIONS and DEAD_LETTERS have lost; it is due again.
 * @throws StreamIdentityError when one is another than it was and that is not accepted; NatsSetupError when one that
 *   is accepted does not exist.
 */
export async function rememberStreams(options: KnownStreamsOptions): Promise<LostMessages[]> {
  const { jsm, records, outboxStreams, found, lanes, partitions, accepted, onAccepted } = options;
  const unknown = accepted.find((name) => !found.some((stream) => stream.name === name));
  if (unknown !== undefined) throw new NatsSetupError(`--accept-stream ${unknown}: there is no such stream`);
  const isAccepted = ({ name }: StreamIdentity) => accepted.includes(name);
  const problems = found.flatMap((stream) => {
    if (isAccepted(stream)) return [];
    const known = outboxStreams.find(stream.name);
    const problem = isOutbox(stream.name) ? otherOutboxStream(known, stream) : otherStream(records, stream);
    return problem === undefined ? [] : [{ stream: stream.name, problem }];
  });
  if (problems.length > 0) throw refusal(problems);
  for (const stream of found) refuseOtherDivision(records, stream, partitions);
  // These first: what is due again of a former event stream must not be forgotten with it.
  for (const stream of found.filter(isAccepted)) {
    if (isOutbox(stream.name)) onAccepted(stream, acceptOutbox(outboxStreams, stream));
  }
  const lost = await checkOutboxStreams(jsm, outboxStreams);
  for (const stream of found.filter(isAccepted)) {
    if (!isOutbox(stream.name)) onAccepted(stream, acceptEvents(options, stream));
  }
  for (const { name, created } of found) {
    const lane = lanes.find(({ stream }) => stream === name);
    if (lane !== undefined) records.saveStream(lane.type.name, name, created, partitions);
  }
  return lost;
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
  const forgottenDeadLetters = records.forgetStream(
    name,
    { partitions, partitionOf: (actorId) => partitionOf(actorId, partitions) },
    stream,
  );
  // What is missing before its first message is accepted too.
  const own = lanes.filter((lane) => lane.stream === name);
  records.saveCompleteTo(new Map(own.map((lane) => [lane, firstSequence - 1])));
  return { forgottenDeadLetters };
}

/**
 * Messages keep the partition they were stored in. Divided otherwise in place, a stream has messages that nobody reads
 * and others that are taken for misplaced: that cannot be accepted.
 *
 * @throws StreamIdentityError with what to do.
 */
function refuseOtherDivision(records: LaneRecords, { name, created }: StreamIdentity, partitions: number): void {
  const known = records.streamPartitions(name);
  if (known === undefined || known === partitions || records.streamCreated(name) !== created) return;
  throw new StreamIdentityError(
    `stream ${name} has messages in ${known} partitions, NATSTATE_PARTITIONS is ${partitions}: its subject transform was edited, and what is stored keeps the partition it has. Set NATSTATE_PARTITIONS=${known} and the subject transform back; for another number, make the stream anew.`,
  );
}

/** What the streams still hold: sequences of their first messages. */
export interface Held {
  readonly firstEvent: number;
  readonly firstDeadLetter: number;
}

/** Where a type's events and DEAD_LETTERS begin now, undefined when one of them is not the stream the store knows. */
export async function heldOf(
  jsm: JetStreamManager,
  records: Pick<LaneRecords, "streamCreated">,
  outboxStreams: Pick<OutboxStreams, "find">,
  type: ActorType,
): Promise<Held | undefined> {
  const deadLetters = await readIdentity(jsm, DEAD_LETTERS_STREAM);
  const events = await readIdentity(jsm, eventStream(type));
  const isKnown =
    outboxStreams.find(DEAD_LETTERS_STREAM)?.created === deadLetters.created &&
    records.streamCreated(events.name) === events.created;
  return isKnown ? { firstEvent: events.firstSequence, firstDeadLetter: deadLetters.firstSequence } : undefined;
}
