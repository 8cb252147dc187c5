import type Database from "better-sqlite3";
import type { Division, Found, LaneRecords } from "../flow/lane-records.ts";
import type { Lane } from "../wire/lanes.ts";
import { repartition } from "./repartition.ts";

interface StreamRow {
  readonly type: string;
  readonly partitions: number;
}

/** The store's records of streams and lanes. */
export function createLaneRecords(db: Database.Database): LaneRecords {
  const selectCreated = db.prepare("SELECT created FROM streams WHERE name = ?").pluck();
  const selectStream = db.prepare("SELECT type, partitions FROM streams WHERE name = ?");
  const upsertStream = db.prepare(`INSERT INTO streams (name, type, created, partitions) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET created = excluded.created, partitions = excluded.partitions`);
  const selectComplete = db
    .prepare("SELECT max(sequence, complete_to) FROM checkpoints WHERE stream = ? AND partition = ?")
    .pluck();
  const selectIntact = db.prepare("SELECT complete_to FROM checkpoints WHERE stream = ? AND partition = ?").pluck();
  const upsertComplete = db.prepare(`INSERT INTO checkpoints (stream, partition, complete_to) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET complete_to = excluded.complete_to WHERE complete_to < excluded.complete_to`);
  const lowerCheckpoint = db.prepare(
    "UPDATE checkpoints SET sequence = min(sequence, complete_to) WHERE stream = ? AND partition = ?",
  );
  const selectHighest = db.prepare("SELECT coalesce(max(sequence), 0) FROM checkpoints WHERE stream = ?").pluck();
  // With the published dead letters goes what was known of them: DEAD_LETTERS says it again.
  const resetCheckpoints = db.prepare(
    "UPDATE checkpoints SET sequence = 0, complete_to = 0, dead_letters_sequence = 0 WHERE stream = ?",
  );
  // What is left of retired actors is recognised by its event ids then.
  const forgetRetired = db.prepare(`UPDATE retired SET sequence = 0
    WHERE type = (SELECT type FROM streams WHERE name = ?)`);
  const deleteStream = db.prepare("DELETE FROM streams WHERE name = ?");
  const keepDueDeadLetters = db.prepare(`UPDATE dead_letters SET former = stored_ms
    WHERE stream = ? AND former = 0 AND published IS NULL AND sequence > ?`);
  const deleteDeadLetters = db.prepare(
    "DELETE FROM dead_letters WHERE stream = ? AND former = 0 AND (published IS NOT NULL OR sequence > ?)",
  );
  const uncount = createUncounting(db);
  // Every event of the new one is news to whoever decided on the former one's.
  const renewLearnt = db.prepare(`UPDATE imported_decisions SET past_to = 0
    WHERE type = (SELECT type FROM streams WHERE name = ?)`);
  const intactTo = (lane: Lane) => (selectIntact.get(lane.stream, lane.partition) as number | undefined) ?? 0;
  return {
    streamCreated: (stream) => selectCreated.get(stream) as string | undefined,
    streamPartitions: (stream) => (selectStream.get(stream) as StreamRow | undefined)?.partitions,
    saveStream: (type, stream, created, partitions) => void upsertStream.run(stream, type, created, partitions),
    completeTo: (lane) => (selectComplete.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    intactTo,
    goBack: db.transaction((lane: Lane) => {
      const { stream, partition } = lane;
      uncount({ stream, partition, from: intactTo(lane) + 1, to: Number.MAX_SAFE_INTEGER, sinceMs: 0 });
      lowerCheckpoint.run(stream, partition);
    }),
    saveCompleteTo: db.transaction((lanes: ReadonlyMap<Lane, number>) => {
      for (const [lane, sequence] of lanes) upsertComplete.run(lane.stream, lane.partition, sequence);
    }),
    highestCheckpoint: (stream) => selectHighest.get(stream) as number,
    forgetStream: db.transaction((stream: string, division: Division, found?: Found) => {
      const restoredTo = found?.isRestored ? found.lastSequence : 0;
      if (found !== undefined) {
        const { firstSequence: from, lastSequence: to, beginsAtMs: sinceMs } = found;
        uncount({ stream, partition: null, from, to, sinceMs });
      }
      const known = selectStream.get(stream) as StreamRow | undefined;
      resetCheckpoints.run(stream);
      forgetRetired.run(stream);
      renewLearnt.run(stream);
      if (known !== undefined && known.partitions !== division.partitions) {
        repartition(db, { ...known, stream }, division);
      }
      deleteStream.run(stream);
      keepDueDeadLetters.run(stream, restoredTo);
      return deleteDeadLetters.run(stream, restoredTo).changes;
    }),
  };
}

/** Dead letters of messages that are heard again. */
interface HeardAgain {
  readonly stream: string;
  /** Null: of all. */
  readonly partition: number | null;
  /** First and last sequence. */
  readonly from: number;
  readonly to: number;
  /** Stored since. */
  readonly sinceMs: number;
}

/**
 * Takes dead letters off the counts that count them when they are heard again. Those above the checkpoint have not been
 * counted, an event that was kept back for its actor's failure is heard again as kept back.
 */
function createUncounting(db: Database.Database): (heard: HeardAgain) => void {
  // A row stays where its message is taken today, and is not counted a second time.
  const update = db.prepare(`UPDATE tallies SET value = max(0, value - heard.letters) FROM (
      SELECT d.type, d.partition, 'dead:' || d.reason AS name, count(*) AS letters
      FROM dead_letters d JOIN checkpoints c USING (stream, partition)
      WHERE d.stream = :stream AND d.former = 0 AND d.sequence BETWEEN :from AND :to AND d.sequence <= c.sequence
        AND d.stored_ms >= :sinceMs AND d.reason <> 'machine_error' AND (:partition IS NULL OR d.partition = :partition)
      GROUP BY d.type, d.partition, d.reason) AS heard
    WHERE tallies.type = heard.type AND tallies.partition = heard.partition AND tallies.name = heard.name`);
  return (heard) => void update.run(heard);
}
