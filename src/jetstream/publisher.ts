import { JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream";
import type { Pause } from "../flow/batcher.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Outbox, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { apiErrorCode } from "./connect.ts";
import { createSender } from "./exactly-once.ts";
import type { StreamPublisher } from "./pub-acks.ts";
import { createPublishQueue, type Queued } from "./publish-queue.ts";
import { decisionsOn } from "./published-decisions.ts";
import { createSleepWatch } from "./sleep-watch.ts";

/** Publishes the ledger and the dead letters, each exactly once. */
export interface Publisher {
  offer(decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]): void;
  /** Forgets what waits for a lane that went to another owner, which publishes it itself. */
  drop(lane: Lane): void;
  /** Rows waiting or in flight. */
  backlog(): number;
  /** What they take in memory, about. */
  backlogBytes(): number;
  /** Since when, and why, no decision or no dead letter has got in; null while both do. */
  trouble(): Pause | null;
  /** Resolves when everything offered is published and noted, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  stop(): void;
}

export interface PublisherOptions {
  readonly streams: StreamPublisher;
  readonly jsm: JetStreamManager;
  readonly outbox: Outbox;
  readonly laneOf: (row: LedgerRow | DeadLetterRow) => Lane;
  /** Rows on their way at once. */
  readonly maxInFlight: number;
  /**
   * False: what is sent now goes out when the connection is back, perhaps long after another owner has published the
   * same and the stream has forgotten its id. It is kept until it is known what the streams hold.
   */
  readonly isConnected: () => boolean;
  /** False: the lane went to another owner, which publishes what is due of it. */
  readonly owns?: (lane: Lane) => boolean;
  /** Learns what the streams hold after a failure whose outcome is unknown; rejects while that cannot be known. */
  readonly beforeRetry: () => Promise<void>;
  readonly onPublished: (decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]) => void;
  /** Another writer's decisions were taken over: the actor in memory is out of date. */
  readonly onReconciled: (lane: Lane, actorId: string) => void;
  /** Told of messages on an actor's subject that natstate did not write, by sequence; they are passed over. */
  readonly onForeign: (lane: Lane, actorId: string, sequences: readonly number[]) => void;
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
/** Looks at a subject that ends otherwise each time; then its decision waits like any that does not get in. */
const MAX_LOOKS = 3;
/** Acknowledgements gathered before they are noted in one transaction. */
const NOTE_EVERY_MS = 5;
/** The server's `err_code` for a wrong expected last subject sequence. */
const WRONG_LAST_SEQUENCE: number = JetStreamApiCodes.StreamWrongLastSequence;

/**
 * Pipelined over actors, strictly one revision after the other within an actor. Each decision expects the sequence of
 * the revision before it as the last on its subject, so whatever died in between, a revision gets in once.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { streams, jsm, outbox, laneOf, maxInFlight, isConnected, beforeRetry, owns = () => true } = options;
  const { onPublished, onReconciled, onForeign, onTrouble, onProgress, reached = () => {} } = options;
  const sender = createSender(streams, jsm);
  const queue = createPublishQueue<Job>();
  /** Sequences acknowledged but not yet noted. */
  const noted = { decisions: [] as PublishedRow<LedgerRow>[], deadLetters: [] as PublishedRow<DeadLetterRow>[] };
  const lastSequence = new Map<string, number>();
  /** By actor whose subject ends otherwise than its ledger: its last sequence, and how often that was not so in a row. */
  const ends = new Map<number, { readonly sequence: number; readonly times: number }>();
  let stopped = false;
  let noteTimer: NodeJS.Timeout | undefined;
  /** What is published could not be noted: told once. */
  let isNotingHard = false;
  let learning: Promise<void> | undefined;
  const sleep = createSleepWatch();
  /** After so many times asleep it was learnt what the streams hold. */
  let learntAfter = 0;
  /** By kind: the first failure since the last success. */
  const troubles = new Map<Job["kind"], Pause>();

  function pump(): void {
    while (!stopped && queue.onTheirWay() < maxInFlight) {
      const job = queue.take();
      if (job === undefined) return;
      void publish(job);
    }
  }

  async function publish(job: Job): Promise<void> {
    // Whoever was frozen goes on as if nothing had happened; another owner may have published in its place.
    if (learntAfter < sleep.naps() || !isConnected()) return retryLater(job);
    try {
      const sequence = job.kind === "decision" ? await publishDecision(job) : await sender.deadLetter(job.row);
      reached("published");
      troubles.delete(job.kind);
      if (sequence !== undefined) note(job, sequence);
      finish(job);
    } catch (error) {
      const known = troubles.get(job.kind);
      troubles.set(job.kind, { sinceMs: known?.sinceMs ?? Date.now(), error: (error as Error).message });
      // Once for all that fail together: hundreds are in flight.
      if (known === undefined) onTrouble(error as Error, job.kind);
      retryLater(job);
    }
  }

  /** The job keeps its place in flight, so that an outage does not pile up more of them. */
  function retryLater(job: Job): void {
    if (stopped) return;
    setTimeout(async () => {
      // What is asked now is lost with the client's buffer, and its timeout would hold up the publishing after the return.
      if (!isConnected()) return retryLater(job);
      let isDone: boolean;
      try {
        await learnOnce();
        isDone = isPublished(job) || !owns(job.lane);
      } catch {
        return retryLater(job);
      }
      if (isDone) finish(job);
      else void publish(job);
    }, RETRY_MS);
  }

  /** One look at the streams serves all jobs that wait for it. */
  function learnOnce(): Promise<void> {
    if (learning !== undefined) return learning;
    const asOf = sleep.naps();
    learning = beforeRetry()
      .then(() => {
        learntAfter = asOf;
        dropPublished();
      })
      .finally(() => {
        learning = undefined;
      });
    return learning;
  }

  /** Decisions may stay: another one on their subject is noticed. A dead letter is noticed for two minutes only. */
  function dropPublished(): void {
    queue.forget((job) => job.kind === "dead_letter" && isPublished(job));
  }

  function isPublished(job: Job): boolean {
    if (job.kind === "dead_letter") return outbox.isDeadLetterPublished(job.row);
    return outbox.publishedSequence(job.row.actorKey, job.row.revision) !== undefined;
  }

  function finish(job: Job): void {
    queue.done(job);
    pump();
    onProgress();
  }

  /** @returns the sequence it has in the stream, undefined when the ledger was rewritten instead. */
  async function publishDecision(job: Job & { kind: "decision" }): Promise<number | undefined> {
    const { lane, row } = job;
    const expected = row.revision === 1 ? 0 : (sequenceOf(row.actorKey, row.revision - 1) ?? 0);
    try {
      const sequence = await sender.decision(lane, row, ends.get(row.actorKey)?.sequence ?? expected);
      ends.delete(row.actorKey);
      return sequence;
    } catch (error) {
      // "Wrong last sequence" means unknown, not failed: what does the stream hold?
      if (apiErrorCode(error) !== WRONG_LAST_SEQUENCE) throw error;
      return resolveDecision(job);
    }
  }

  async function resolveDecision(job: Job & { kind: "decision" }): Promise<number | undefined> {
    const { lane, row } = job;
    const { actorKey, actorId } = row;
    const times = (ends.get(actorKey)?.times ?? 0) + 1;
    if (times > MAX_LOOKS) {
      ends.delete(actorKey);
      throw new Error(`another writer is at work on ${decisionSubject(lane.type, actorId)}`);
    }
    const { state } = await jsm.streams.info(DECISIONS_STREAM);
    const { state: source } = await jsm.streams.info(lane.stream);
    const { decisions, lastSequence: last, foreign } = await decisionsOn(jsm, lane.type, actorId);
    if (foreign.length > 0) onForeign(lane, actorId, foreign);
    const ours = decisions.find(({ revision }) => revision === row.revision);
    ends.delete(actorKey);
    if (ours?.payload === row.payload) return ours.sequence;
    const found = { decisions, streamEnd: state.last_seq, pastTo: source.last_seq };
    const { due, isDiverged } = outbox.reconcile(lane, actorId, found);
    // Later revisions offered meanwhile may have been renumbered; what the ledger says now is what is published, after
    // whatever is the last on the subject.
    queue.replaceBehind(job, owns(lane) ? due.map((next) => decisionJob(lane, next)) : []);
    if (due.length > 0 && owns(lane)) ends.set(actorKey, { sequence: last, times });
    for (const { revision, sequence } of decisions) remember(actorKey, revision, sequence);
    if (isDiverged) onReconciled(lane, actorId);
    return undefined;
  }

  function sequenceOf(actorKey: number, revision: number): number | undefined {
    return lastSequence.get(`${actorKey}/${revision}`) ?? outbox.publishedSequence(actorKey, revision);
  }

  function remember(actorKey: number, revision: number, sequence: number): void {
    lastSequence.set(`${actorKey}/${revision}`, sequence);
  }

  function note(job: Job, sequence: number): void {
    if (job.kind === "decision") {
      noted.decisions.push({ row: job.row, sequence });
      remember(job.row.actorKey, job.row.revision, sequence);
    } else noted.deadLetters.push({ row: job.row, sequence });
    noteTimer ??= setTimeout(writeNotes, NOTE_EVERY_MS);
  }

  function writeNotes(): void {
    noteTimer = undefined;
    const { decisions, deadLetters } = noted;
    if (decisions.length + deadLetters.length === 0) return;
    try {
      outbox.markPublished(decisions, deadLetters);
    } catch (error) {
      // Not lost: unnoted rows are recognised by what the stream holds when they are published again.
      if (!isNotingHard) onTrouble(error as Error, "published");
      isNotingHard = true;
      if (!stopped) noteTimer = setTimeout(writeNotes, RETRY_MS);
      return;
    }
    isNotingHard = false;
    noted.decisions = [];
    noted.deadLetters = [];
    lastSequence.clear();
    reached("noted");
    onPublished(
      decisions.map(({ row }) => row),
      deadLetters.map(({ row }) => row),
    );
  }

  return {
    offer(decisions, deadLetters) {
      for (const row of decisions) queue.offer(decisionJob(laneOf(row), row));
      for (const row of deadLetters) queue.offer(deadLetterJob(laneOf(row), row));
      pump();
    },
    drop(lane) {
      queue.forget((job) => job.lane === lane);
      onProgress();
    },
    backlog: queue.size,
    backlogBytes: queue.bytes,
    trouble: () => [...troubles.values()].sort((a, b) => a.sinceMs - b.sinceMs)[0] ?? null,
    async drain(timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      while (queue.size() > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
      clearTimeout(noteTimer);
      writeNotes();
    },
    stop() {
      stopped = true;
      sleep.stop();
      clearTimeout(noteTimer);
    },
  };
}

function decisionJob(lane: Lane, row: LedgerRow): Job {
  return { kind: "decision", lane, line: row.actorKey, bytes: row.payload.length, row };
}

function deadLetterJob(lane: Lane, row: DeadLetterRow): Job {
  return { kind: "dead_letter", lane, line: undefined, bytes: row.body.length + row.headers.length, row };
}
