import type { Pause } from "../flow/batcher.ts";
import { SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Outbox } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { createOutboxSender, type OutboxSenderOptions } from "./outbox-sender.ts";
import { createPublishNotes } from "./publish-notes.ts";
import { createPublishQueue, type Queued } from "./publish-queue.ts";
import { createSleepWatch } from "./sleep-watch.ts";

/** Publishes the ledger and the dead letters, each exactly once. */
export type Publisher = ReturnType<typeof createPublisher>;

export interface PublisherOptions extends Omit<OutboxSenderOptions, "notes" | "owns"> {
  readonly laneOf: (row: LedgerRow | DeadLetterRow) => Lane;
  /** Rows on their way at once. */
  readonly maxInFlight: number;
  /**
   * False: what is sent now goes out when the connection is back, perhaps long after another owner has published the
   * same and the stream has forgotten its id. It is kept until it is known what the streams hold.
   */
  readonly isConnected: () => boolean;
  readonly owns?: OutboxSenderOptions["owns"];
  /** Learns what the streams hold after a failure whose outcome is unknown; rejects while that cannot be known. */
  readonly beforeRetry: () => Promise<void>;
  readonly onPublished: (decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]) => void;
  /** Told the first failure since the last success, by kind. */
  readonly onTrouble: (error: Error, what: string) => void;
  /** Room again, after a backlog. */
  readonly onProgress: () => void;
  readonly reached?: ReachCrashPoint;
}

type Job = Queued &
  (
    | { readonly kind: "decision"; readonly row: LedgerRow }
    | { readonly kind: "dead_letter"; readonly row: DeadLetterRow }
  );

const RETRY_MS = 500;

/** Pipelined over actors, strictly one revision after the other within an actor. */
export function createPublisher(options: PublisherOptions) {
  const { outbox, laneOf, maxInFlight, onTrouble, onProgress } = options;
  const { owns = () => true, reached = () => {} } = options;
  const onNotNoted = (error: Error) => onTrouble(error, "published");
  const notes = createPublishNotes({ outbox, onNoted: options.onPublished, onTrouble: onNotNoted, reached });
  const sender = createOutboxSender({ ...options, notes, owns });
  const queue = createPublishQueue<Job>();
  const troubles = createTroubles(onTrouble);
  const looks = createLooks(options, () =>
    // A decision may stay: another one on its subject is noticed. A dead letter is noticed for two minutes only.
    queue.forget((job) => job.kind === "dead_letter" && isPublished(outbox, job)),
  );
  let stopped = false;

  function pump(): void {
    while (!stopped && queue.onTheirWay() < maxInFlight) {
      const job = queue.take();
      if (job === undefined) return;
      void publish(job);
    }
  }

  async function publish(job: Job): Promise<void> {
    if (looks.isDue()) return retryLater(job);
    try {
      await (job.kind === "decision" ? sendDecision(job) : sender.deadLetter(job.row));
      reached("published");
      troubles.end(job.kind);
      finish(job);
    } catch (error) {
      troubles.meet(job.kind, error as Error);
      retryLater(job);
    }
  }

  /** Later revisions offered meanwhile may have been renumbered; what the ledger says now is what is published. */
  function sendDecision(job: Job & { readonly kind: "decision" }): Promise<void> {
    const { lane, row } = job;
    return sender.decision(lane, row, (due) => {
      const jobs = due.map((next) => decisionJob(lane, next));
      queue.replaceBehind(job, jobs);
    });
  }

  /** The job keeps its place in flight, so that an outage does not pile up more of them. */
  function retryLater(job: Job): void {
    if (!stopped) SYSTEM_CLOCK.after(RETRY_MS, () => retry(job).catch(() => retryLater(job)));
  }

  async function retry(job: Job): Promise<void> {
    await looks.look();
    if (isPublished(outbox, job) || !owns(job.lane)) finish(job);
    else void publish(job);
  }

  function finish(job: Job): void {
    queue.done(job);
    pump();
    onProgress();
  }

  return {
    offer(rows: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]): void {
      for (const row of rows) queue.offer(decisionJob(laneOf(row), row));
      for (const row of deadLetters) queue.offer(deadLetterJob(laneOf(row), row));
      pump();
    },
    /** Forgets what waits for a lane that went to another owner, which publishes it itself. */
    drop(lane: Lane): void {
      queue.forget((job) => job.lane === lane);
      onProgress();
    },
    /** Rows waiting or in flight. */
    backlog: queue.size,
    /** What they take in memory, about. */
    backlogBytes: queue.bytes,
    /** Since when, and why, no decision or no dead letter has got in; null while both do. */
    trouble: troubles.longest,
    /** Resolves when everything offered, or what is of this lane, is published and noted, or after `timeoutMs`. */
    async drain(timeoutMs: number, lane?: Lane): Promise<void> {
      const deadline = SYSTEM_CLOCK.now() + timeoutMs;
      const isWaiting = () => queue.has((job) => lane === undefined || job.lane === lane);
      while (isWaiting() && SYSTEM_CLOCK.now() < deadline) await waitFor(SYSTEM_CLOCK, 5);
      notes.flush();
    },
    stop(): void {
      stopped = true;
      looks.stop();
      notes.stop();
    },
  };
}

/**
 * Looks at what the streams hold, after a failure whose outcome is unknown and after a sleep: whoever was frozen goes on
 * as if nothing had happened, and another owner may have published in its place.
 */
function createLooks(
  { isConnected, beforeRetry }: Pick<PublisherOptions, "isConnected" | "beforeRetry">,
  onLearnt: () => void,
) {
  const sleep = createSleepWatch();
  /** After so many times asleep it was looked. */
  let lookedAfter = 0;
  let looking: Promise<void> | undefined;

  async function lookNow(): Promise<void> {
    // What is asked now is lost with the client's buffer, and its timeout would hold up the publishing after the return.
    if (!isConnected()) throw new Error("not connected");
    const asOf = sleep.naps();
    await beforeRetry();
    lookedAfter = asOf;
    onLearnt();
  }

  return {
    isDue: () => !isConnected() || lookedAfter < sleep.naps(),
    /** One look serves all that wait for it. Rejects while it cannot be known. */
    look(): Promise<void> {
      looking ??= lookNow().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    stop: sleep.stop,
  };
}

/** By kind: the first failure since the last success. Tells that one only, as hundreds that are in flight fail together. */
function createTroubles(onTrouble: PublisherOptions["onTrouble"]) {
  const troubles = new Map<Job["kind"], Pause>();
  return {
    meet(kind: Job["kind"], error: Error): void {
      const known = troubles.get(kind);
      troubles.set(kind, { sinceMs: known?.sinceMs ?? Date.now(), error: error.message });
      if (known === undefined) onTrouble(error, kind);
    },
    end: (kind: Job["kind"]) => void troubles.delete(kind),
    longest: () => [...troubles.values()].sort((a, b) => a.sinceMs - b.sinceMs)[0] ?? null,
  };
}

function isPublished(outbox: Outbox, job: Job): boolean {
  if (job.kind === "dead_letter") return outbox.isDeadLetterPublished(job.row);
  return outbox.publishedSequence(job.row.actorKey, job.row.revision) !== undefined;
}

function decisionJob(lane: Lane, row: LedgerRow): Job {
  return { kind: "decision", lane, line: row.actorKey, bytes: row.payload.length, row };
}

function deadLetterJob(lane: Lane, row: DeadLetterRow): Job {
  return { kind: "dead_letter", lane, line: undefined, bytes: row.body.length + row.headers.length, row };
}
