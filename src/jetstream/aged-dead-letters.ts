import type { ActorType } from "../actor/actor-type.ts";
import type { OutboxStreams } from "../flow/outbox.ts";
import { DEAD_LETTERS_STREAM, eventStream } from "../wire/names.ts";
import type { Session } from "./session.ts";
import { type KnownPositions, readIdentity } from "./stream-identity.ts";

/** What the streams still hold: sequences of their first messages. */
export interface Held {
  readonly firstEvent: number;
  readonly firstDeadLetter: number;
}

export interface HeldOptions {
  readonly jsm: Session["jsm"];
  readonly records: Pick<KnownPositions, "streamCreated">;
  readonly outboxStreams: Pick<OutboxStreams, "find">;
}

/** Where a type's events and DEAD_LETTERS begin now, undefined when one of them is not the stream the store knows. */
export async function heldOf({ jsm, records, outboxStreams }: HeldOptions, type: ActorType): Promise<Held | undefined> {
  const deadLetters = await readIdentity(jsm, DEAD_LETTERS_STREAM);
  const events = await readIdentity(jsm, eventStream(type));
  const isKnown =
    outboxStreams.find(DEAD_LETTERS_STREAM)?.created === deadLetters.created &&
    records.streamCreated(events.name) === events.created;
  return isKnown ? { firstEvent: events.firstSequence, firstDeadLetter: deadLetters.firstSequence } : undefined;
}
