import { randomUUID } from "node:crypto";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { messageAt } from "./leader-reader.ts";
import { deadLetterMessage, decisionMessage } from "./outbox-messages.ts";
import type { StreamMessage, StreamPublisher } from "./pub-acks.ts";

/** Stores decisions and dead letters, and takes no acknowledgement for more than it says. */
export interface Sender {
  /**
   * @param lastSubjectSequence - the last on its subject, 0 for none; otherwise it is not stored.
   * @returns its sequence in DECISIONS.
   */
  decision(lane: Lane, row: LedgerRow, lastSubjectSequence: number): Promise<number>;
  /** @returns its sequence in DEAD_LETTERS. */
  deadLetter(row: DeadLetterRow): Promise<number>;
}

/**
 * "Duplicate" says that the stream remembers the id, for two minutes: also of another subject, of a message that was
 * purged, or of a stream that has been made anew since. So it is looked at what the stream holds there.
 */
export function createSender(streams: StreamPublisher, jsm: JetStreamManager): Sender {
  /**
   * @param write - given what makes it another message to the deduplication.
   * @param further - such, to be tried in turn.
   */
  async function send(
    write: (idSuffix: string) => StreamMessage,
    isAt: (sequence: number) => Promise<boolean>,
    further: readonly string[],
  ): Promise<number> {
    let ack = await streams.publish(write(""));
    for (const suffix of further) {
      if (!ack.duplicate || (await isAt(ack.seq))) break;
      ack = await streams.publish(write(suffix));
    }
    return ack.seq;
  }

  return {
    decision: (lane, row, lastSubjectSequence) =>
      send(
        (idSuffix) => decisionMessage(lane, row, lastSubjectSequence, idSuffix),
        async (sequence) => {
          const found = await messageAt(jsm, DECISIONS_STREAM, sequence);
          if (found?.subject !== decisionSubject(lane.type, row.actorId)) return false;
          return Buffer.compare(found.body, Buffer.from(row.payload)) === 0;
        },
        [`:${randomUUID()}`],
      ),
    deadLetter: (row) =>
      send(
        (idSuffix) => deadLetterMessage(row, idSuffix),
        async (sequence) => {
          const found = await messageAt(jsm, DEAD_LETTERS_STREAM, sequence);
          return found?.header("Natstate-Subject") === row.subject && Buffer.compare(found.body, row.body) === 0;
        },
        // No expected sequence keeps a dead letter from being stored twice, only its id: the same for whoever sends it.
        [`:${row.storedAtMs}`, `:${randomUUID()}`],
      ),
  };
}
