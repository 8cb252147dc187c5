import type { DeadLetterRow, Lane, LedgerRow, PublishedDecision } from "./ports.ts";

/** How far a lane's outbox streams are known in the store. */
export interface OutboxPositions {
  readonly decisions: number;
  readonly deadLetters: number;
}

/** The publishing side of the store. Each method is one transaction. */
export interface Outbox {
  pendingDecisions(lane: Lane): LedgerRow[];
  pendingDeadLetters(lane: Lane): DeadLetterRow[];
  /** Sequence in DECISIONS of a revision, undefined while it is unpublished or unknown. */
  publishedSequence(actorKey: number, revision: number): number | undefined;
  isDeadLetterPublished(row: DeadLetterRow): boolean;
  /** Notes what the streams have acknowledged. */
  markPublished(
    decisions: readonly PublishedRow<LedgerRow>[],
    deadLetters: readonly PublishedRow<DeadLetterRow>[],
  ): void;
  positions(lane: Lane): OutboxPositions;
  savePositions(lane: Lane, positions: OutboxPositions): void;
  /** Takes decisions the stream holds into the ledger as already published. */
  importDecisions(lane: Lane, found: readonly ImportedDecision[]): void;
  /** Takes dead letters the stream holds into the store as already published. */
  importDeadLetters(lane: Lane, found: readonly PublishedRow<DeadLetterRow>[]): void;
  /**
   * Brings an actor's ledger into agreement with what another writer put on its subject: revisions of equal content
   * are taken as published, different ones replace ours, and if our standing decision then differs from the stream's,
   * it becomes the next revision. The actor must be evicted afterwards.
   *
   * @param found - every decision the stream holds for the actor, by revision.
   * @returns what is to be published now, by revision.
   */
  reconcile(lane: Lane, actorId: string, found: readonly PublishedDecision[]): LedgerRow[];
}

export interface PublishedRow<Row> {
  readonly row: Row;
  /** Sequence in the outbox stream. */
  readonly sequence: number;
}

export interface ImportedDecision extends PublishedDecision {
  readonly actorId: string;
}
