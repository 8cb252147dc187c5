import type { Lane } from "../wire/lanes.ts";
import type { DeadLetterRow, LearntDecision, LedgerRow, PublishedDecision } from "./rows.ts";

/** How far a lane's outbox streams are known in the store. */
export interface OutboxPositions {
  readonly decisions: number;
  readonly deadLetters: number;
}

/** The publishing side of the store. Each method is one transaction. */
export interface Outbox {
  /** By actor and revision, from after the one given. */
  pendingDecisions(
    lane: Lane,
    after?: { readonly actorKey: number; readonly revision: number },
    limit?: number,
  ): LedgerRow[];
  pendingDeadLetters(lane: Lane): DeadLetterRow[];
  /** Sequence in DECISIONS of a revision, undefined while it is unpublished or unknown; 0: gone from there. */
  publishedSequence(actorKey: number, revision: number): number | undefined;
  isDeadLetterPublished(row: DeadLetterRow): boolean;
  /** Notes what the streams have acknowledged. */
  markPublished(
    decisions: readonly PublishedRow<LedgerRow>[],
    deadLetters: readonly PublishedRow<DeadLetterRow>[],
  ): void;
  positions(lane: Lane): OutboxPositions;
  savePositions(lane: Lane, positions: OutboxPositions): void;
  /** The highest version of the lane's type that is known to have decided in it, 0 when none is. */
  decidedBy(lane: Lane): number;
  /** Raises it. */
  noteDecidedBy(lane: Lane, version: number): void;
  /**
   * Takes note of decisions the stream holds: of ours that they are published, of others to be recognised later.
   *
   * @param found - in stream order. Copies of what is known, and revisions that do not go on, are passed over.
   */
  learnDecisions(lane: Lane, found: readonly LearntOf[]): void;
  /** Takes dead letters the stream holds into the store as already published. */
  importDeadLetters(lane: Lane, found: readonly PublishedRow<DeadLetterRow>[]): void;
  /**
   * Brings an actor's ledger into agreement with its subject, see `ledger.ts`. When it `isDiverged`, the actor must be
   * evicted afterwards.
   */
  reconcile(lane: Lane, actorId: string, found: FoundOnSubject): Reconciled;
}

/** What is on an actor's subject in DECISIONS. */
export interface FoundOnSubject {
  /** By rising revision. */
  readonly decisions: readonly PublishedDecision[];
  /** DECISIONS' last sequence. */
  readonly streamEnd: number;
  /** The event stream's last sequence: events up to there are past. */
  readonly pastTo: number;
}

/** A ledger brought into agreement. */
export interface Reconciled {
  /** To be published now, by revision. */
  readonly due: readonly LedgerRow[];
  /** Another writer has said something else. */
  readonly isDiverged: boolean;
}

export interface PublishedRow<Row> {
  readonly row: Row;
  /** Sequence in the outbox stream. */
  readonly sequence: number;
}

export interface ImportedDecision extends PublishedDecision {
  readonly actorId: string;
  /** Of the type by whose rules it was taken; 0 when it does not say so. */
  readonly typeVersion: number;
}

export interface LearntOf extends LearntDecision {
  readonly actorId: string;
}

/** DECISIONS or DEAD_LETTERS, as the store knows it. */
export interface KnownOutboxStream {
  /** RFC 3339. */
  readonly created: string;
  /** The highest sequence of which the store has taken note. */
  readonly end: number;
  /** The last message this store has published there, null when none. */
  readonly last: { readonly sequence: number; readonly mark: string } | null;
}

/** By what a message of DECISIONS is known again. */
export function decisionMark(actorId: string, revision: number): string {
  return `${actorId}:${revision}`;
}

/** By what a message of DEAD_LETTERS is known again. */
export function deadLetterMark(stream: string, sequence: number): string {
  return `${stream}:${sequence}`;
}

/** What the store knows of the outbox streams themselves. Each method is one transaction. */
export interface OutboxStreams {
  find(name: string): KnownOutboxStream | undefined;
  save(name: string, created: string): void;
  /**
   * What was published from a sequence on is no longer there: it is due again, in order.
   *
   * @returns how much that is.
   */
  forgetFrom(name: string, sequence: number): number;
}
