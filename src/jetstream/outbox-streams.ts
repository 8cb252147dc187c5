import type { JetStreamManager } from "@nats-io/jetstream";
import { deadLetterMark, decisionMark, type KnownOutboxStream, type OutboxStreams } from "../flow/outbox.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";
import { messageAt } from "./leader-reader.ts";
import { readIdentity, refusal, type StreamIdentity } from "./stream-identity.ts";

/** Why an outbox stream is not the one the store has published to, undefined when it is. */
export function otherOutboxStream(known: KnownOutboxStream | undefined, found: StreamIdentity): string | undefined {
  if (known === undefined || known.created === found.created) return undefined;
  return `stream ${found.name} was created ${found.created}, but the store has published to one created ${known.created}: it was deleted and made anew, or NATS_URL points elsewhere. What the store has published and the stream does not hold would be published again, in order.`;
}

/** A stream that no longer holds what was published to it, for example because it was restored from a copy. */
export interface LostMessages {
  readonly stream: string;
  /** Messages of ours that were published from there on are due again. */
  readonly fromSequence: number;
  readonly count: number;
}

/**
 * Holds DECISIONS and DEAD_LETTERS against what the store has published there. What they have lost at their end is
 * due again: everything in them follows from the store, so nothing is asked for.
 *
 * @throws StreamIdentityError when one is gone, or is another one.
 */
export async function checkOutboxStreams(jsm: JetStreamManager, outboxStreams: OutboxStreams): Promise<LostMessages[]> {
  const lost: LostMessages[] = [];
  for (const name of [DECISIONS_STREAM, DEAD_LETTERS_STREAM]) {
    // Before the stream is asked: what is published and noted after its answer does not contradict it.
    const known = outboxStreams.find(name);
    const found = await readIdentity(jsm, name);
    const problem = otherOutboxStream(known, found);
    if (problem !== undefined) throw refusal([{ stream: name, problem }]);
    if (known === undefined) {
      outboxStreams.save(name, found.created);
      continue;
    }
    const fromSequence = await lostFrom(jsm, known, found);
    if (fromSequence === undefined) continue;
    lost.push({ stream: name, fromSequence, count: outboxStreams.forgetFrom(name, fromSequence) });
  }
  return lost;
}

/** From which sequence on the stream does not hold what the store has published; undefined when it holds all. */
async function lostFrom(
  jsm: JetStreamManager,
  { end, last }: KnownOutboxStream,
  { name, firstSequence, lastSequence }: StreamIdentity,
): Promise<number | undefined> {
  if (end > lastSequence) return lastSequence + 1;
  if (last === null || last.sequence < firstSequence) return undefined;
  const mark = await markAt(jsm, name, last.sequence);
  // Gone from between others: somebody purged its subject.
  if (mark === undefined || mark === last.mark) return undefined;
  // Restored from a copy, and written by others since: only the messages themselves say what is there.
  return firstSequence;
}

async function markAt(jsm: JetStreamManager, stream: string, sequence: number): Promise<string | undefined> {
  const message = await messageAt(jsm, stream, sequence);
  if (message === undefined) return undefined;
  const { header, subject } = message;
  if (stream === DECISIONS_STREAM) {
    const actorId = subject.slice(subject.lastIndexOf(".") + 1);
    return decisionMark(actorId, Number(header("Natstate-Revision") ?? ""));
  }
  return deadLetterMark(header("Natstate-Stream") ?? "", Number(header("Natstate-Sequence") ?? ""));
}
