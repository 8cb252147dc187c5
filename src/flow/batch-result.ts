import type { Rejected } from "../wire/rejection.ts";
import type { Delivery, Observation } from "./delivery.ts";
import type { DeadLetterRow, StoredOutcome, TakenDecision } from "./rows.ts";

/**
 * `ignored`: a tick that comes before its time, or about an actor nothing is known of. `skipped`: it was applied before, and
 * nothing is counted. The others: see `StoredOutcome`.
 */
export type Outcome = StoredOutcome | "duplicate" | "conflict" | "parked" | "rejected" | "ignored" | "skipped";

/** Did an actor learn something it had not heard before, a tick left aside? */
export function isNewFact(outcome: Outcome): boolean {
  return ["applied", "superseded", "reordered", "unhandled", "held"].includes(outcome);
}

/** What became of one delivery. */
export interface Handled {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly observation?: Observation;
  readonly rejected?: Rejected;
  /** Of a reordered event: events that happened later and were folded again. */
  readonly replayed?: number;
  /** What the machine or a rule looked at and must not, for example `Date`. */
  readonly dependsOn?: string;
  /** Why its actor is held, where that is news. */
  readonly held?: string;
}

/** What one committed batch brought about. */
export interface BatchResult {
  readonly handled: readonly Handled[];
  /** To be published, in revision order per actor. */
  readonly decisions: readonly TakenDecision[];
  readonly deadLetters: readonly DeadLetterRow[];
  /** Completeness of each actor the batch touched, 0 to 100. */
  readonly completeness: readonly number[];
  /** Every state change, in order. */
  readonly moves: readonly Move[];
}

/** One event took an actor from one state to another. */
export interface Move {
  /** The actor type's name. */
  readonly type: string;
  /** Null: the actor is new, `to` is the state its machine starts in. */
  readonly from: string | null;
  readonly to: string;
}
