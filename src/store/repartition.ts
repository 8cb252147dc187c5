import type Database from "better-sqlite3";
import type { Division } from "../flow/lane-records.ts";

/** Tables of which each row is of one actor. */
const OF_ACTORS = ["decisions", "imported_decisions", "quarantine", "retired"];

/** Counts of what is now: by actor, so that they follow the actors. What is counted for ever stays where it is. */
const NOW = `SELECT partition, 'state:' || state AS name FROM actors WHERE type = :type
  UNION ALL SELECT partition, 'standing:' || decision_type FROM actors WHERE type = :type AND decision_type IS NOT NULL
  UNION ALL SELECT partition, 'completeness:' || CAST(round(completeness) AS INTEGER) FROM actors WHERE type = :type
  UNION ALL SELECT partition, 'quarantined' FROM quarantine WHERE type = :type
  UNION ALL SELECT partition, 'retired' FROM retired WHERE type = :type`;
const IS_NOW = `(name LIKE 'state:%' OR name LIKE 'standing:%' OR name LIKE 'completeness:%'
  OR name IN ('quarantined', 'retired'))`;

/**
 * Moves all a store has of an actor type to the partitions of another division of its stream. Within a transaction.
 *
 * What is due would otherwise belong to partitions that nobody reads.
 */
export function repartition(
  db: Database.Database,
  { type, stream, partitions: before }: { readonly type: string; readonly stream: string; readonly partitions: number },
  { partitions, partitionOf }: Division,
): void {
  db.function("partition_of", { deterministic: true }, (actorId) => partitionOf(String(actorId)));
  db.prepare("UPDATE actors SET partition = partition_of(id) WHERE type = ?").run(type);
  for (const table of OF_ACTORS) {
    db.prepare(`UPDATE ${table} SET partition = partition_of(actor_id) WHERE type = ?`).run(type);
  }
  // A dead letter may be of no actor at all; its owner publishes it, whoever that is.
  db.prepare("UPDATE dead_letters SET partition = partition % ? WHERE type = ?").run(partitions, type);
  divideTallies(db, type, partitions);
  divideCheckpoints(db, stream, before, partitions);
}

function divideTallies(db: Database.Database, type: string, partitions: number): void {
  const ever = db
    .prepare(`SELECT partition % ? AS partition, name, sum(value) AS value FROM tallies
      WHERE type = ? AND NOT ${IS_NOW} GROUP BY 1, 2`)
    .all(partitions, type);
  const now = db.prepare(`SELECT partition, name, count(*) AS value FROM (${NOW}) GROUP BY 1, 2`).all({ type });
  db.prepare("DELETE FROM tallies WHERE type = ?").run(type);
  const insert = db.prepare(
    "INSERT INTO tallies (type, partition, name, value) VALUES (:type, :partition, :name, :value)",
  );
  for (const tally of [...ever, ...now]) insert.run({ type, ...(tally as object) });
}

/** What is known of DECISIONS, and when it was heard, is known of every actor only up to the lowest of the former partitions. */
function divideCheckpoints(db: Database.Database, stream: string, before: number, partitions: number): void {
  const known = db
    .prepare(`SELECT iif(count(*) < :before, 0, min(decisions_sequence)) AS decisionsTo,
      iif(count(heard_ms) < :before, NULL, min(heard_ms)) AS heardMs FROM checkpoints WHERE stream = :stream`)
    .get({ before, stream }) as { readonly decisionsTo: number; readonly heardMs: number | null };
  db.prepare("DELETE FROM checkpoints WHERE stream = ?").run(stream);
  const insert = db.prepare(
    "INSERT INTO checkpoints (stream, partition, decisions_sequence, heard_ms) VALUES (?, ?, ?, ?)",
  );
  for (let partition = 0; partition < partitions; partition++) {
    insert.run(stream, partition, known.decisionsTo, known.heardMs);
  }
}
