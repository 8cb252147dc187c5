import { JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream";
import type { Outbox } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { apiErrorCode } from "./connect.ts";
import { createSender } from "./exactly-once.ts";
import type { StreamPublisher } from "./pub-acks.ts";
import type { PublishNotes } from "./publish-notes.ts";
import { decisionsOn } from "./published-decisions.ts";

/** Sends what is due and notes it, a decision after the one before it; adopts what the stream holds instead. */
export interface OutboxSender {
  /**
   * Resolves when it is in the stream, or has given way. Rejects when it has not got in, or nobody can say.
   *
   * @param onRewritten - told at once, when the ledger was rewritten after what another writer has decided, what is due
   *   of the actor instead.
   */
  decision(lane: Lane, row: LedgerRow, onRewritten: (due: readonly LedgerRow[]) => void): Promise<void>;
  deadLetter(row: DeadLetterRow): Promise<void>;
}

export interface OutboxSenderOptions {
  readonly streams: StreamPublisher;
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
 * Each decision expects the sequence of the revision before it as the last on its subject, so whatever died in between,
 * a revision gets in once. "Wrong last sequence" means unknown, not failed: what does the stream hold?
 */
export function createOutboxSender(options: OutboxSenderOptions): OutboxSender {
  const { streams, jsm, outbox, notes, owns, onReconciled, onForeign } = options;
  const sender = createSender(streams, jsm);
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
    async decision(lane, row, onRewritten) {
      const { actorKey, revision } = row;
      const before = revision === 1 ? 0 : (notes.sequenceOf(actorKey, revision - 1) ?? 0);
      try {
        notes.decision(row, await sender.decision(lane, row, ends.get(actorKey)?.sequence ?? before));
        ends.delete(actorKey);
      } catch (error) {
        if (apiErrorCode(error) !== WRONG_LAST_SEQUENCE) throw error;
        await resolve(lane, row, onRewritten);
      }
    },
    async deadLetter(row) {
      notes.deadLetter(row, await sender.deadLetter(row));
    },
  };
}
