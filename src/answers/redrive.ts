import type { DeadLetter } from "./dead-letters.ts";

/** What became of one dead letter that was sent again. */
export type RedriveOutcome =
  | { readonly outcome: "redriven"; readonly streamSequence: number }
  /** The stream's dedupe window still knows its `Nats-Msg-Id`: it was not stored. */
  | { readonly outcome: "duplicate"; readonly error: string }
  | { readonly outcome: "failed"; readonly error: string };

/**
 * Publishes a dead letter's original bytes and headers to the subject they had been sent to. Safe to repeat: the same
 * event twice has one effect. Never rejects.
 */
export type Redrive = (letter: DeadLetter & { readonly publishedSequence: number }) => Promise<RedriveOutcome>;
