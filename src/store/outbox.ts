import type Database from "better-sqlite3";
import { decodeContent, sameContent } from "../actor/decision.ts";
import { goesOn, reconcile } from "../flow/ledger.ts";
import {
  deadLetterMark,
  decisionMark,
  type FoundOnSubject,
  type LearntOf,
  type Outbox,
  type OutboxPositions,
  type PublishedRow,
  type Reconciled,
} from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow, PublishedDecision } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";

const LEDGER_COLUMNS = `actor_key AS actorKey, revision, type, actor_id AS actorId, partition,
  decision_type AS decisionType, payload, traceparent, caused_ms AS causedAtMs`;

interface LedgerEntry extends LedgerRow {
  readonly published: number | null;
}

interface ActorHead {
  readonly key: number;
  readonly revision: number;
}

/** The publishing side of the store. */
export function createOutbox(db: Database.Database): Outbox {
  const selectPendingDecisions = db.prepare(`SELECT ${LEDGER_COLUMNS} FROM decisions
    WHERE published IS NULL AND type = ? AND partition = ? AND (actor_key, revision) > (?, ?)
    ORDER BY actor_key, revision LIMIT ?`);
  const selectPendingDeadLetters = db.prepare(`SELECT stream, sequence, former, type, partition, reason, error, subject,
    stored_ms AS storedAtMs, headers, body FROM dead_letters
    WHERE published IS NULL AND type = ? AND partition = ? ORDER BY former = 0, sequence`);
  const selectPublished = db.prepare("SELECT published FROM decisions WHERE actor_key = ? AND revision = ?").pluck();
  const ofDeadLetter = "WHERE stream = ? AND sequence = ? AND former = ?";
  const selectDeadLetter = db.prepare(`SELECT published FROM dead_letters ${ofDeadLetter}`).pluck();
  const markDecision = db.prepare("UPDATE decisions SET published = ? WHERE actor_key = ? AND revision = ?");
  const markDeadLetter = db.prepare(`UPDATE dead_letters SET published = ? ${ofDeadLetter}`);
  const markLast = db.prepare("UPDATE outbox_streams SET sequence = ?, mark = ? WHERE name = ? AND sequence < ?");
  const markGone = db.prepare("UPDATE decisions SET published = 0 WHERE actor_key = ? AND revision = ?");
  const markDue = db.prepare("UPDATE decisions SET published = NULL WHERE actor_key = ? AND revision = ?");
  const selectPositions = db.prepare(`SELECT decisions_sequence AS decisions, dead_letters_sequence AS deadLetters
    FROM checkpoints WHERE stream = ? AND partition = ?`);
  const raisePositions = db.prepare(`INSERT INTO checkpoints (stream, partition, decisions_sequence,
    dead_letters_sequence) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    decisions_sequence = max(decisions_sequence, excluded.decisions_sequence),
    dead_letters_sequence = max(dead_letters_sequence, excluded.dead_letters_sequence)`);
  const raiseByPartition = db.prepare(`UPDATE checkpoints SET
    decisions_sequence = max(decisions_sequence, ?), dead_letters_sequence = max(dead_letters_sequence, ?)
    WHERE partition = ? AND stream = (SELECT name FROM streams WHERE type = ?)`);
  const selectActor = db.prepare("SELECT key, revision FROM actors WHERE type = ? AND id = ?");
  const selectRetired = db.prepare("SELECT 1 FROM retired WHERE type = ? AND actor_id = ?").pluck();
  const selectRow = db.prepare(`SELECT ${LEDGER_COLUMNS}, published FROM decisions
    WHERE actor_key = ? AND revision = ?`);
  const selectAll = db.prepare(`SELECT ${LEDGER_COLUMNS}, published FROM decisions
    WHERE actor_key = ? ORDER BY revision`);
  const selectHeard = db.prepare("SELECT 1 FROM events WHERE actor_key = ? AND event_id = ? LIMIT 1").pluck();
  const selectLearnt = db
    .prepare("SELECT coalesce(max(revision), 0) FROM imported_decisions WHERE type = ? AND actor_id = ?")
    .pluck();
  const insertLearnt = db.prepare(`INSERT INTO imported_decisions (type, actor_id, revision, partition, sequence,
    payload, past_to) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
  const upsertDecision = db.prepare(`INSERT INTO decisions (actor_key, revision, type, actor_id, partition,
    decision_type, payload, traceparent, caused_ms, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET decision_type = excluded.decision_type, payload = excluded.payload,
    published = excluded.published`);
  // One that is due may be of a stream that was replaced; of two with one sequence it is the one with these bytes.
  const noteDeadLetter = db.prepare(`UPDATE dead_letters SET published = :published WHERE stream = :stream
    AND sequence = :sequence AND subject = :subject AND body = :body`);
  const insertDeadLetter = db.prepare(`INSERT INTO dead_letters (stream, sequence, type, partition, reason, error,
    subject, stored_ms, headers, published, body) VALUES (:stream, :sequence, :type, :partition, :reason, :error,
    :subject, :storedAtMs, :headers, :published, :body) ON CONFLICT DO NOTHING`);
  const deleteFormer = db.prepare("DELETE FROM dead_letters WHERE former <> 0 AND published IS NOT NULL");
  const saveRevision = db.prepare(`UPDATE actors SET revision = ?, row_version = row_version + 1
    WHERE key = ? AND revision <> ?`);

  function learnOne(lane: Lane, found: LearntOf): void {
    const type = lane.type.name;
    const { actorId, revision, sequence, payload, pastTo } = found;
    const actor = selectActor.get(type, actorId) as ActorHead | undefined;
    const ours = actor && (selectRow.get(actor.key, revision) as LedgerEntry | undefined);
    if (ours !== undefined) {
      // A different decision under our revision is met, and reconciled, when ours is published.
      if (ours.published !== null || !sameDecision(lane, ours.payload, payload)) return;
      markDecision.run(sequence, ours.actorKey, revision);
      return;
    }
    // All of a retired order's decisions are read when it is brought back.
    if (actor === undefined && selectRetired.get(type, actorId) !== undefined) return;
    const before = Math.max(actor?.revision ?? 0, selectLearnt.get(type, actorId) as number);
    if (!goesOn(before, revision)) return;
    insertLearnt.run(type, actorId, revision, lane.partition, sequence, payload, pastTo);
  }

  return {
    pendingDecisions: ({ type, partition }, { actorKey, revision } = { actorKey: 0, revision: 0 }, limit = -1) =>
      selectPendingDecisions.all(type.name, partition, actorKey, revision, limit) as LedgerRow[],
    pendingDeadLetters: (lane) => selectPendingDeadLetters.all(lane.type.name, lane.partition) as DeadLetterRow[],
    publishedSequence: (actorKey, revision) =>
      (selectPublished.get(actorKey, revision) as number | null | undefined) ?? undefined,
    // One that is not there any more had been of a stream that was replaced.
    isDeadLetterPublished: ({ stream, sequence, former }) => selectDeadLetter.get(stream, sequence, former) !== null,
    markPublished: db.transaction(
      (decisions: readonly PublishedRow<LedgerRow>[], deadLetters: readonly PublishedRow<DeadLetterRow>[]) => {
        const reached = new Map<string, { type: string; partition: number; decisions: number; deadLetters: number }>();
        const reach = ({ type, partition }: LedgerRow | DeadLetterRow, decided: number, dead: number) => {
          const name = `${type}/${partition}`;
          const known = reached.get(name) ?? { type, partition, decisions: 0, deadLetters: 0 };
          known.decisions = Math.max(known.decisions, decided);
          known.deadLetters = Math.max(known.deadLetters, dead);
          reached.set(name, known);
        };
        for (const { row, sequence } of decisions) {
          markDecision.run(sequence, row.actorKey, row.revision);
          reach(row, sequence, 0);
        }
        for (const { row, sequence } of deadLetters) {
          markDeadLetter.run(sequence, row.stream, row.sequence, row.former);
          reach(row, 0, sequence);
        }
        if (deadLetters.some(({ row }) => row.former !== 0)) deleteFormer.run();
        for (const { type, partition, decisions, deadLetters } of reached.values()) {
          raiseByPartition.run(decisions, deadLetters, partition, type);
        }
        const decision = highest(decisions);
        if (decision !== undefined) {
          const { actorId, revision } = decision.row;
          markLast.run(decision.sequence, decisionMark(actorId, revision), "DECISIONS", decision.sequence);
        }
        const letter = highest(deadLetters);
        if (letter !== undefined) {
          const { stream, sequence } = letter.row;
          markLast.run(letter.sequence, deadLetterMark(stream, sequence), "DEAD_LETTERS", letter.sequence);
        }
      },
    ),
    positions: (lane) =>
      (selectPositions.get(lane.stream, lane.partition) as OutboxPositions | undefined) ?? {
        decisions: 0,
        deadLetters: 0,
      },
    savePositions: (lane, positions) =>
      void raisePositions.run(lane.stream, lane.partition, positions.decisions, positions.deadLetters),
    learnDecisions: db.transaction((lane, found) => {
      for (const decision of found) learnOne(lane, decision);
    }),
    importDeadLetters: db.transaction((_lane, found) => {
      for (const { row, sequence } of found) {
        const { stream, subject, body } = row;
        const noted = noteDeadLetter.run({ stream, sequence: row.sequence, subject, body, published: sequence });
        if (noted.changes === 0) insertDeadLetter.run({ ...row, published: sequence });
      }
    }),
    reconcile: db.transaction((lane: Lane, actorId: string, found: FoundOnSubject): Reconciled => {
      const actor = selectActor.get(lane.type.name, actorId) as ActorHead | undefined;
      if (actor === undefined) return { due: [], isDiverged: false };
      const own = selectAll.all(actor.key) as LedgerEntry[];
      const plan = reconcile(lane.type, own, found, (eventId) => selectHeard.get(actor.key, eventId) !== undefined);
      for (const decision of plan.adopt) adopt(lane, actorId, actor.key, decision, own);
      for (const decision of plan.learn) learnOne(lane, { ...decision, actorId, pastTo: found.pastTo });
      for (const revision of plan.gone) markGone.run(actor.key, revision);
      for (const revision of plan.due) markDue.run(actor.key, revision);
      const latest = own.at(-1);
      if (plan.again !== null && latest !== undefined) sayAgain(latest, plan.again);
      if (plan.isDiverged) saveRevision.run(plan.revision, actor.key, plan.revision);
      const due = (selectAll.all(actor.key) as LedgerEntry[]).filter((row) => row.published === null);
      return { due, isDiverged: plan.isDiverged };
    }),
  };

  /** The stream's decision takes the place of ours. */
  function adopt(
    { type, partition }: Lane,
    actorId: string,
    actorKey: number,
    { revision, payload, sequence }: PublishedDecision,
    own: readonly LedgerEntry[],
  ): void {
    const ours = own.find((row) => row.revision === revision);
    upsertDecision.run(
      actorKey,
      revision,
      type.name,
      actorId,
      partition,
      decodeContent(type, payload).decisionType,
      payload,
      ours?.traceparent ?? null,
      ours?.causedAtMs ?? 0,
      sequence,
    );
  }

  /** Our latest decision, unchanged but for its place after another writer's. */
  function sayAgain(ours: LedgerEntry, revision: number): void {
    const payload = JSON.stringify({ ...JSON.parse(ours.payload), revision, supersedes: revision - 1 });
    upsertDecision.run(
      ours.actorKey,
      revision,
      ours.type,
      ours.actorId,
      ours.partition,
      ours.decisionType,
      payload,
      ours.traceparent,
      ours.causedAtMs,
      null,
    );
  }
}

function highest<Noted extends { readonly sequence: number }>(noted: readonly Noted[]): Noted | undefined {
  return noted.reduce<Noted | undefined>((a, b) => (a === undefined || b.sequence > a.sequence ? b : a), undefined);
}

function sameDecision(lane: Lane, ours: string, theirs: string): boolean {
  return sameContent(decodeContent(lane.type, ours), decodeContent(lane.type, theirs));
}
