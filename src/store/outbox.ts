import type Database from "better-sqlite3";
import { decodeContent, sameContent } from "../flow/decision.ts";
import type { Outbox, OutboxPositions } from "../flow/outbox.ts";
import type { DeadLetterRow, Lane, LedgerRow, PublishedDecision } from "../flow/ports.ts";

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
    WHERE published IS NULL AND type = ? AND partition = ? ORDER BY actor_key, revision`);
  const selectPendingDeadLetters = db.prepare(`SELECT stream, sequence, type, partition, reason, error, subject,
    stored_ms AS storedAtMs, headers, body FROM dead_letters
    WHERE published IS NULL AND type = ? AND partition = ? ORDER BY sequence`);
  const selectPublished = db.prepare("SELECT published FROM decisions WHERE actor_key = ? AND revision = ?").pluck();
  const selectDeadLetter = db.prepare("SELECT published FROM dead_letters WHERE stream = ? AND sequence = ?").pluck();
  const markDecision = db.prepare("UPDATE decisions SET published = ? WHERE actor_key = ? AND revision = ?");
  const markDeadLetter = db.prepare("UPDATE dead_letters SET published = ? WHERE stream = ? AND sequence = ?");
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
  const insertImported = db.prepare(`INSERT INTO imported_decisions (type, actor_id, revision, partition, sequence,
    payload) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence,
    payload = excluded.payload`);
  const upsertDecision = db.prepare(`INSERT INTO decisions (actor_key, revision, type, actor_id, partition,
    decision_type, payload, traceparent, caused_ms, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET decision_type = excluded.decision_type, payload = excluded.payload,
    published = excluded.published`);
  const upsertDeadLetter = db.prepare(`INSERT INTO dead_letters (stream, sequence, type, partition, reason, error,
    subject, stored_ms, headers, published, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET published = excluded.published`);
  const saveRevision = db.prepare("UPDATE actors SET revision = ?, row_version = row_version + 1 WHERE key = ?");

  function importOne(lane: Lane, actorId: string, found: PublishedDecision): void {
    const type = lane.type.name;
    const actor = selectActor.get(type, actorId) as { key: number } | undefined;
    const ours = actor && (selectRow.get(actor.key, found.revision) as LedgerEntry | undefined);
    if (ours === undefined) {
      // All of a retired order's decisions are read when it is brought back.
      if (actor === undefined && selectRetired.get(type, actorId) !== undefined) return;
      insertImported.run(type, actorId, found.revision, lane.partition, found.sequence, found.payload);
    } else if (ours.published === null && sameDecision(lane, ours.payload, found.payload)) {
      markDecision.run(found.sequence, ours.actorKey, ours.revision);
    }
    // A different decision under our revision is met, and reconciled, when ours is published.
  }

  return {
    pendingDecisions: (lane) => selectPendingDecisions.all(lane.type.name, lane.partition) as LedgerRow[],
    pendingDeadLetters: (lane) => selectPendingDeadLetters.all(lane.type.name, lane.partition) as DeadLetterRow[],
    publishedSequence: (actorKey, revision) =>
      (selectPublished.get(actorKey, revision) as number | null | undefined) ?? undefined,
    isDeadLetterPublished: (row) => typeof selectDeadLetter.get(row.stream, row.sequence) === "number",
    markPublished: db.transaction((decisions, deadLetters) => {
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
        markDeadLetter.run(sequence, row.stream, row.sequence);
        reach(row, 0, sequence);
      }
      for (const { type, partition, decisions, deadLetters } of reached.values()) {
        raiseByPartition.run(decisions, deadLetters, partition, type);
      }
    }),
    positions: (lane) =>
      (selectPositions.get(lane.stream, lane.partition) as OutboxPositions | undefined) ?? {
        decisions: 0,
        deadLetters: 0,
      },
    savePositions: (lane, positions) =>
      void raisePositions.run(lane.stream, lane.partition, positions.decisions, positions.deadLetters),
    importDecisions: db.transaction((lane, found) => {
      for (const decision of found) importOne(lane, decision.actorId, decision);
    }),
    importDeadLetters: db.transaction((_lane, found) => {
      for (const { row, sequence } of found) {
        upsertDeadLetter.run(
          row.stream,
          row.sequence,
          row.type,
          row.partition,
          row.reason,
          row.error,
          row.subject,
          row.storedAtMs,
          row.headers,
          sequence,
          row.body,
        );
      }
    }),
    reconcile: db.transaction((lane: Lane, actorId: string, found: readonly PublishedDecision[]) => {
      const actor = selectActor.get(lane.type.name, actorId) as ActorHead;
      const own = selectAll.all(actor.key) as LedgerEntry[];
      const ownAt = (revision: number) => own.find((row) => row.revision === revision);
      const diverged = found.some(
        ({ revision, payload }) =>
          revision <= actor.revision && !sameDecision(lane, ownAt(revision)?.payload ?? "{}", payload),
      );
      for (const decision of found) {
        if (decision.revision > actor.revision && !diverged) {
          // Ahead of us: we come to the same decision when we have read as far.
          importOne(lane, actorId, decision);
        } else {
          adopt(lane, actorId, actor, decision, ownAt(decision.revision));
        }
      }
      const last = found.at(-1);
      const latest = ownAt(actor.revision);
      if (diverged && last !== undefined && latest !== undefined && last.revision >= actor.revision) {
        if (!sameDecision(lane, latest.payload, last.payload)) sayAgain(latest, last.revision + 1);
        else saveRevision.run(last.revision, actor.key);
      }
      return (selectAll.all(actor.key) as LedgerEntry[]).filter((row) => row.published === null);
    }),
  };

  /** The stream's decision takes the place of ours. */
  function adopt(
    lane: Lane,
    actorId: string,
    actor: ActorHead,
    theirs: PublishedDecision,
    ours: LedgerEntry | undefined,
  ): void {
    upsertDecision.run(
      actor.key,
      theirs.revision,
      lane.type.name,
      actorId,
      lane.partition,
      decodeContent(lane.type, theirs.payload).decisionType,
      theirs.payload,
      ours?.traceparent ?? null,
      ours?.causedAtMs ?? 0,
      theirs.sequence,
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
    saveRevision.run(revision, ours.actorKey);
  }
}

function sameDecision(lane: Lane, ours: string, theirs: string): boolean {
  return sameContent(decodeContent(lane.type, ours), decodeContent(lane.type, theirs));
}
