import { JetStreamApiCodes, type JetStreamManager } from "@nats-io/jetstream";
import type { Pause } from "../flow/intake.ts";
import type { Outbox, PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow, Lane, LedgerRow } from "../flow/ports.ts";
import type { Probe } from "../flow/probe.ts";
import { apiErrorCode } from "./connect.ts";
import { DEAD_LETTERS_STREAM, decisionSubject } from "./names.ts";
import { deadLetterMessage, decisionMessage } from "./outbox-messages.ts";
import { decisionsOn } from "./outbox-reader.ts";
import type { StreamPublisher } from "./pub-acks.ts";
import { createPublishQueue, type Queued } from "./publish-queue.ts";
import { createSleepWatch } from "./sleep-watch.ts";

/** Publishes the ledger and the dead letters, each exactly once. */
export interface Publisher {
  offer(decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[]): void;
  /** Forgets what waits for a lane that went to another owner, which publishes it itself. */
  drop(lane: Lane): void;
  /** Rows waiting or in flight. */
  backlog(): number;
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
  /** Told the first failure since the last success, by kind. */
  readonly onTrouble: (error: Error, what: string) => void;
  /** Room again, after a backlog. */
  readonly onProgress: () => void;
  readonly probe?: Probe;
}

type Job = Queued &
  (
    | { readonly kind: "decision"; readonly row: LedgerRow }
    | { readonly kind: "dead_letter"; readonly row: DeadLetterRow }
  );

const RETRY_MS = 500;
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
  const { onPublished, onReconciled, onTrouble, onProgress, probe = () => {} } = options;
  const queue = createPublishQueue<Job>();
  /** Sequences acknowledged but not yet noted. */
  const noted = { decisions: [] as PublishedRow<LedgerRow>[], deadLetters: [] as PublishedRow<DeadLetterRow>[] };
  const lastSequence = new Map<string, number>();
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
      const sequence = job.kind === "decision" ? await publishDecision(job) : await publishDeadLetter(job.row);
      probe("published");
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
      return await sendDecision(lane, row, expected);
    } catch (error) {
      // "Wrong last sequence" means unknown, not failed (FACTS, 6): what does the stream hold?
      if (apiErrorCode(error) !== WRONG_LAST_SEQUENCE) throw error;
      return resolveDecision(job);
    }
  }

  async function resolveDecision(job: Job & { kind: "decision" }): Promise<number | undefined> {
    const { lane, row } = job;
    const found = await decisionsOn(jsm, decisionSubject(lane.type, row.actorId));
    const ours = found.find((decision) => decision.revision === row.revision);
    if (ours !== undefined && ours.payload === row.payload && found.at(-1) === ours) return ours.sequence;
    const last = found.at(-1);
    if (last === undefined) return sendDecision(lane, row, 0);
    if (last.revision === row.revision - 1) return sendDecision(lane, row, last.sequence);
    const pending = outbox.reconcile(lane, row.actorId, found);
    // Later revisions offered meanwhile may have been renumbered; what the ledger says now is what is published.
    queue.replaceBehind(job, owns(lane) ? pending.map((next) => decisionJob(lane, next)) : []);
    for (const decision of found) remember(row.actorKey, decision.revision, decision.sequence);
    onReconciled(lane, row.actorId);
    return undefined;
  }

  async function sendDecision(lane: Lane, row: LedgerRow, lastSubjectSequence: number): Promise<number> {
    return (await streams.publish(decisionMessage(lane, row, lastSubjectSequence))).seq;
  }

  async function publishDeadLetter(row: DeadLetterRow): Promise<number> {
    const ack = await streams.publish(deadLetterMessage(row));
    if (!ack.duplicate || (await isDeadLetterAt(ack.seq, row))) return ack.seq;
    // A stream made anew counts from 1 again, within the 2 minutes for which the ids of the former one are remembered.
    return (await streams.publish(deadLetterMessage(row, `:${row.storedAtMs}`))).seq;
  }

  async function isDeadLetterAt(sequence: number, row: DeadLetterRow): Promise<boolean> {
    const found = await jsm.streams.getMessage(DEAD_LETTERS_STREAM, { seq: sequence });
    return found?.header.get("Natstate-Subject") === row.subject && Buffer.compare(found.data, row.body) === 0;
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
    probe("noted");
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
