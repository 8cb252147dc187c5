import type { RejectionReason } from "../wire/rejection.ts";
import type { Place } from "./cursor.ts";

/* What is answered about dead letters: plain JSON, as in `queries.ts`. */

/** Which dead letters to list. Made by `readDeadLetterFilter`. */
export interface DeadLetterFilter {
  readonly reason?: RejectionReason;
  /** 1 to 200. */
  readonly limit: number;
  /** Where the page before ended, see `cursor.ts`. */
  readonly after?: Place;
}

/** One page, newest first (by stream sequence); as of an `ActorPage`, it may be short while `nextCursor` goes on. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterSummary[];
  readonly nextCursor: string | null;
}

/** A delivery that could never succeed, without its body. */
export interface DeadLetterSummary {
  readonly stream: string;
  /** In that stream. */
  readonly sequence: number;
  readonly reason: RejectionReason;
  readonly error: string;
  /** As stored, with the partition token. */
  readonly subject: string;
  /** Stream time. */
  readonly receivedAt: string;
  /** Of the body. */
  readonly bytes: number;
  readonly published: boolean;
  /** Its sequence in DEAD_LETTERS, null until then. */
  readonly publishedSequence: number | null;
  /** `sequence`, by the name the command line has for it too. */
  readonly streamSequence: number;
  /** `publishedSequence`, by the name the command line has for it too. */
  readonly deadLetterSequence: number | null;
}

/** A dead letter with what was sent. */
export interface DeadLetter extends DeadLetterSummary {
  /** Name and value, in the order sent. */
  readonly headers: ReadonlyArray<readonly [string, string]>;
  /** The original bytes: as text when they are UTF-8. */
  readonly body: string;
  readonly encoding: "utf8" | "base64";
}

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
