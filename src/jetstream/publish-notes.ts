import { SYSTEM_CLOCK } from "../flow/clock.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Outbox, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";

/** Notes what the streams have acknowledged, many at a time: one transaction for all that came within a few milliseconds. */
export type PublishNotes = ReturnType<typeof createPublishNotes>;

export interface PublishNotesOptions {
  readonly outbox: Outbox;
  readonly onNoted: (decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]) => void;
  /** The store cannot be written; told once, and tried again. */
  readonly onTrouble: (error: Error) => void;
  readonly reached: ReachCrashPoint;
}

/** Acknowledgements gathered before they are noted. */
const NOTE_EVERY_MS = 5;
const RETRY_MS = 500;

export function createPublishNotes(options: PublishNotesOptions) {
  const { outbox, onNoted, onTrouble, reached } = options;
  let decisions: PublishedRow<LedgerRow>[] = [];
  let deadLetters: PublishedRow<DeadLetterRow>[] = [];
  const sequences = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let isHard = false;
  let stopped = false;

  function noteSoon(): void {
    cancel ??= SYSTEM_CLOCK.after(NOTE_EVERY_MS, write);
  }

  function write(): void {
    cancel = undefined;
    if (decisions.length + deadLetters.length === 0) return;
    const [noted, rejected] = [decisions, deadLetters];
    try {
      outbox.markPublished(noted, rejected);
    } catch (error) {
      // Not lost: unnoted rows are recognised by what the stream holds when they are published again.
      if (!isHard) onTrouble(error as Error);
      isHard = true;
      if (!stopped) cancel = SYSTEM_CLOCK.after(RETRY_MS, write);
      return;
    }
    isHard = false;
    decisions = [];
    deadLetters = [];
    sequences.clear();
    reached("noted");
    onNoted(
      noted.map(({ row }) => row),
      rejected.map(({ row }) => row),
    );
  }

  function remember(actorKey: number, revision: number, sequence: number): void {
    sequences.set(`${actorKey}/${revision}`, sequence);
  }

  return {
    decision(row: LedgerRow, sequence: number): void {
      decisions.push({ row, sequence });
      remember(row.actorKey, row.revision, sequence);
      noteSoon();
    },
    deadLetter(row: DeadLetterRow, sequence: number): void {
      deadLetters.push({ row, sequence });
      noteSoon();
    },
    /** A decision found in DECISIONS; the outbox has noted it already. */
    remember,
    /** Where a decision is in DECISIONS, noted or not yet; undefined while it is not published. */
    sequenceOf: (actorKey: number, revision: number) =>
      sequences.get(`${actorKey}/${revision}`) ?? outbox.publishedSequence(actorKey, revision),
    /** Notes what there is now. */
    flush(): void {
      cancel?.();
      write();
    },
    /** What is not noted stays due, and is recognised by what the stream holds. */
    stop(): void {
      stopped = true;
      cancel?.();
    },
  };
}
