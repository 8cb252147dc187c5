import type Database from "better-sqlite3";
import { deadLetterMark, decisionMark, type Outbox, type PublishedRow } from "../flow/outbox.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";

/** How far a partition's rows are acknowledged. */
interface Reached {
  readonly type: string;
  readonly partition: number;
  decisions: number;
  deadLetters: number;
}

/** Notes with each row that it is published, and how far its lane and its stream have come with it. */
export function createPublishedMarks(db: Database.Database): Outbox["markPublished"] {
  const markDecision = db.prepare("UPDATE decisions SET published = ? WHERE actor_key = ? AND revision = ?");
  const markDeadLetter = db.prepare(
    "UPDATE dead_letters SET published = ? WHERE stream = ? AND sequence = ? AND former = ?",
  );
  const markLast = db.prepare("UPDATE outbox_streams SET sequence = ?, mark = ? WHERE name = ? AND sequence < ?");
  const raiseByPartition = db.prepare(`UPDATE checkpoints SET
    decisions_sequence = max(decisions_sequence, ?), dead_letters_sequence = max(dead_letters_sequence, ?)
    WHERE partition = ? AND stream = (SELECT name FROM streams WHERE type = ?)`);
  const deleteFormer = db.prepare("DELETE FROM dead_letters WHERE former <> 0 AND published IS NOT NULL");

  return db.transaction(
    (decisions: readonly PublishedRow<LedgerRow>[], deadLetters: readonly PublishedRow<DeadLetterRow>[]) => {
      for (const { row, sequence } of decisions) markDecision.run(sequence, row.actorKey, row.revision);
      for (const { row, sequence } of deadLetters) {
        markDeadLetter.run(sequence, row.stream, row.sequence, row.former);
      }
      if (deadLetters.some(({ row }) => row.former !== 0)) deleteFormer.run();
      for (const { type, partition, ...reached } of reachedBy(decisions, deadLetters)) {
        raiseByPartition.run(reached.decisions, reached.deadLetters, partition, type);
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
  );
}

function reachedBy(
  decisions: readonly PublishedRow<LedgerRow>[],
  deadLetters: readonly PublishedRow<DeadLetterRow>[],
): Iterable<Reached> {
  const byLane = new Map<string, Reached>();
  const reach = (stream: "decisions" | "deadLetters") => (published: PublishedRow<LedgerRow | DeadLetterRow>) => {
    const { type, partition } = published.row;
    const name = `${type}/${partition}`;
    const reached = byLane.get(name) ?? { type, partition, decisions: 0, deadLetters: 0 };
    reached[stream] = Math.max(reached[stream], published.sequence);
    byLane.set(name, reached);
  };
  decisions.forEach(reach("decisions"));
  deadLetters.forEach(reach("deadLetters"));
  return byLane.values();
}

function highest<Noted extends { readonly sequence: number }>(noted: readonly Noted[]): Noted | undefined {
  return noted.reduce<Noted | undefined>((a, b) => (a === undefined || b.sequence > a.sequence ? b : a), undefined);
}
