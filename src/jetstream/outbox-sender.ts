import { randomUUID } from "node:crypto";
import { JetStreamApiCodes, type JetStreamManager, type PubAck } from "@nats-io/jetstream";
import type { StoredMessage } from "../flow/delivery.ts";
import type { Outbox } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { apiErrorCode } from "./connect.ts";
import { messageAt } from "./leader-reader.ts";
import { isDecidedByNewer, noteVersions } from "./newer-rules.ts";
import { deadLetterMessage, decisionMessage } from "./outbox-messages.ts";
import type { StreamMessage, StreamPublisher } from "./pub-acks.ts";
import type { PublishNotes } from "./publish-notes.ts";
import { decisionsOn } from "./published-decisions.ts";

export interface OutboxSenderOptions {
  readonly streams: Pick<StreamPublisher, "publish">;
  readonly jsm: JetStreamManager;
  readonly outbox: Outbox;
  readonly notes: PublishNotes;
  /** False: the lane went to another owner, which publishes what is due of it. */
  readonly owns: (lane: Lane) => boolean;
  /** Another writer's decisions were taken over: the actor in memory is out of date. */
  readonly onReconciled: (lane: Lane, actorId: string) => void;
  /** Told of messages on an actor's subject that natstate did not write, by sequence; they are passed over. */
  readonly onForeign: (lane: Lane, actorId: string, sequences: readonly number[]) => void;
}

/** Looks at a subject that ends otherwise each time; then its decision waits like any that does not get in. */
const MAX_LOOKS = 3;
/** The server's `err_code` for a wrong expected last subject sequence. */
const WRONG_LAST_SEQUENCE: number = JetStreamApiCodes.StreamWrongLastSequence;

/**
 * Sends what is due and notes it, a decision after the one before it; adopts what the stream holds instead.
 *
 * Each decision expects the sequence of the revision before it as the last on its subject, so whatever died in between,
 * a revision gets in once. "Wrong last sequence" means unknown, not failed: what does the stream hold?
 */
export function createOutboxSender(options: OutboxSenderOptions) {
  const { jsm, outbox, notes, owns, onReconciled, onForeign } = options;
  /** By actor whose subject ends otherwise than its ledger: its last sequence, and how often that was not so in a row. */
  const ends = new Map<number, { readonly sequence: number; readonly times: number }>();

  async function resolve(lane: Lane, row: LedgerRow, onRewritten: (due: readonly LedgerRow[]) => void): Promise<void> {
    const { actorKey, actorId } = row;
    const times = (ends.get(actorKey)?.times ?? 0) + 1;
    if (times > MAX_LOOKS) {
      ends.delete(actorKey);
      throw new Error(`another writer is at work on ${decisionSubject(lane.type, actorId)}`);
    }
    const { state } = await jsm.streams.info(DECISIONS_STREAM);
    const { state: source } = await jsm.streams.info(lane.stream);
    const { decisions, lastSequence, foreign } = await decisionsOn(jsm, lane.type, actorId);
    if (foreign.length > 0) onForeign(lane, actorId, foreign);
    noteVersions(outbox, lane, decisions);
    if (isDecidedByNewer(outbox, lane)) {
      ends.delete(actorKey);
      return onRewritten([]);
    }
    const ours = decisions.find(({ revision }) => revision === row.revision);
    ends.delete(actorKey);
    if (ours?.payload === row.payload) {
      notes.decision(row, ours.sequence);
      return;
    }
    const found = { decisions, streamEnd: state.last_seq, pastTo: source.last_seq };
    const { due, isDiverged } = outbox.reconcile(lane, actorId, found);
    const isOurs = due.length > 0 && owns(lane);
    // In one turn with the ledger: what is offered next comes behind it.
    onRewritten(isOurs ? due : []);
    if (isOurs) ends.set(actorKey, { sequence: lastSequence, times });
    for (const { revision, sequence } of decisions) notes.remember(actorKey, revision, sequence);
    if (isDiverged) onReconciled(lane, actorId);
  }

  return {
    /**
     * Resolves when it is in the stream, or has given way, as it does to every newer version. Rejects when it has not got in, or nobody can say.
     *
     * @param onRewritten - told at once, when the ledger was rewritten after what another writer has decided, what is due
     *   of the actor instead.
     */
    async decision(lane: Lane, row: LedgerRow, onRewritten: (due: readonly LedgerRow[]) => void): Promise<void> {
      if (isDecidedByNewer(outbox, lane)) return;
      const { actorKey, revision } = row;
      const before = revision === 1 ? 0 : notes.sequenceOf(actorKey, revision - 1);
      const end = ends.get(actorKey)?.sequence ?? before;
      // The one before it is not known to be there: were none expected, it might get in without it.
      if (end === undefined) return resolve(lane, row, onRewritten);
      try {
        notes.decision(row, await storeDecision(options, lane, row, end));
        ends.delete(actorKey);
      } catch (error) {
        if (apiErrorCode(error) !== WRONG_LAST_SEQUENCE) throw error;
        await resolve(lane, row, onRewritten);
      }
    },
    async deadLetter(row: DeadLetterRow): Promise<void> {
      notes.deadLetter(row, await storeDeadLetter(options, row));
    },
  };
}

type Streams = Pick<OutboxSenderOptions, "streams" | "jsm">;

/** How a message is known again. */
interface Known {
  readonly stream: string;
  isSame(found: StoredMessage): boolean;
  /** The same, as others to the stream's deduplication: to be tried in turn. */
  readonly further: readonly StreamMessage[];
}

/**
 * Takes no acknowledgement for more than it says. "Duplicate" says that the stream remembers the id, for two minutes: also
 * of another subject, of a message that was purged, or of a stream that has been made anew since. So it is looked at what
 * the stream holds there.
 *
 * @param first - which said so.
 * @returns its sequence.
 */
async function storeDuplicate({ streams, jsm }: Streams, first: PubAck, known: Known): Promise<number> {
  const { stream, isSame, further } = known;
  let ack = first;
  for (const message of further) {
    const found = ack.duplicate ? await messageAt(jsm, stream, ack.seq) : undefined;
    if (!ack.duplicate || (found !== undefined && isSame(found))) break;
    ack = await streams.publish(message);
  }
  return ack.seq;
}

/** @param lastSubjectSequence - the last on its subject, 0 for none; otherwise it is not stored. */
async function storeDecision(to: Streams, lane: Lane, row: LedgerRow, lastSubjectSequence: number): Promise<number> {
  const ack = await to.streams.publish(decisionMessage(lane, row, lastSubjectSequence));
  if (!ack.duplicate) return ack.seq;
  const subject = decisionSubject(lane.type, row.actorId);
  return storeDuplicate(to, ack, {
    stream: DECISIONS_STREAM,
    isSame: (found) => found.subject === subject && Buffer.compare(found.body, Buffer.from(row.payload)) === 0,
    further: [decisionMessage(lane, row, lastSubjectSequence, `:${randomUUID()}`)],
  });
}

async function storeDeadLetter(to: Streams, row: DeadLetterRow): Promise<number> {
  const ack = await to.streams.publish(deadLetterMessage(row));
  if (!ack.duplicate) return ack.seq;
  return storeDuplicate(to, ack, {
    stream: DEAD_LETTERS_STREAM,
    isSame: (found) => found.header("Natstate-Subject") === row.subject && Buffer.compare(found.body, row.body) === 0,
    // No expected sequence keeps a dead letter from being stored twice, only its id: the same for whoever sends it.
    further: [`:${row.storedAtMs}`, `:${randomUUID()}`].map((suffix) => deadLetterMessage(row, suffix)),
  });
}
