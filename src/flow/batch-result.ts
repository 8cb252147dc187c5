import type { Rejected } from "../wire/rejection.ts";
import type { Delivery, Observation } from "./delivery.ts";
import type { DeadLetterRow, TakenDecision } from "./rows.ts";

export type Outcome = "applied" | "superseded" | "duplicate" | "conflict" | "parked" | "rejected" | "skipped";

/** What became of one delivery. */
export interface Handled {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly observation?: Observation;
  readonly rejected?: Rejected;
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
