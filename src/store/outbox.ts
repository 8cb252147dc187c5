import type Database from "better-sqlite3";
import type { Outbox, OutboxPositions } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import { createLearning } from "./learning.ts";
import { createPublishedMarks } from "./published-marks.ts";
import { createReconciliation } from "./reconciliation.ts";
import { DEAD_LETTERS, DECISIONS } from "./tables.ts";

/** The publishing side of the store. */
export function createOutbox(db: Database.Database): Outbox {
  const selectPendingDecisions = db.prepare(`SELECT ${DECISIONS.select(DECISIONS.without("published"))} FROM decisions
    WHERE published IS NULL AND type = ? AND partition = ? AND (actor_key, revision) > (?, ?)
    ORDER BY actor_key, revision LIMIT ?`);
  const selectPendingDeadLetters = db.prepare(`SELECT ${DEAD_LETTERS.select()} FROM dead_letters
    WHERE published IS NULL AND type = ? AND partition = ? ORDER BY former = 0, sequence`);
  const selectPublished = db.prepare("SELECT published FROM decisions WHERE actor_key = ? AND revision = ?").pluck();
  const selectDeadLetter = db
    .prepare("SELECT published FROM dead_letters WHERE stream = ? AND sequence = ? AND former = ?")
    .pluck();
  const selectPositions = db.prepare(`SELECT decisions_sequence AS decisions, dead_letters_sequence AS deadLetters
    FROM checkpoints WHERE stream = ? AND partition = ?`);
  const raisePositions = db.prepare(`INSERT INTO checkpoints (stream, partition, decisions_sequence,
    dead_letters_sequence) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    decisions_sequence = max(decisions_sequence, excluded.decisions_sequence),
    dead_letters_sequence = max(dead_letters_sequence, excluded.dead_letters_sequence)`);
  const learning = createLearning(db);
  const decidedBy = createDecidedBy(db);
  return {
    ...decidedBy,
    pendingDecisions: ({ type, partition }, { actorKey, revision } = { actorKey: 0, revision: 0 }, limit = -1) =>
      selectPendingDecisions.all(type.name, partition, actorKey, revision, limit) as LedgerRow[],
    pendingDeadLetters: (lane) => selectPendingDeadLetters.all(lane.type.name, lane.partition) as DeadLetterRow[],
    publishedSequence: (actorKey, revision) =>
      (selectPublished.get(actorKey, revision) as number | null | undefined) ?? undefined,
    // One that is not there any more had been of a stream that was replaced.
    isDeadLetterPublished: ({ stream, sequence, former }) => selectDeadLetter.get(stream, sequence, former) !== null,
    markPublished: createPublishedMarks(db),
    positions: (lane) =>
      (selectPositions.get(lane.stream, lane.partition) as OutboxPositions | undefined) ?? {
        decisions: 0,
        deadLetters: 0,
      },
    savePositions: (lane, positions) =>
      void raisePositions.run(lane.stream, lane.partition, positions.decisions, positions.deadLetters),
    learnDecisions: learning.decisions,
    importDeadLetters: learning.deadLetters,
    reconcile: createReconciliation(db, learning),
  };
}

function createDecidedBy(db: Database.Database): Pick<Outbox, "decidedBy" | "noteDecidedBy"> {
  const select = db.prepare("SELECT decided_by FROM checkpoints WHERE stream = ? AND partition = ?").pluck();
  const raise = db.prepare(`INSERT INTO checkpoints (stream, partition, decided_by) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET decided_by = excluded.decided_by WHERE decided_by < excluded.decided_by`);
  return {
    decidedBy: (lane) => (select.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    noteDecidedBy: (lane, version) => void raise.run(lane.stream, lane.partition, version),
  };
}
