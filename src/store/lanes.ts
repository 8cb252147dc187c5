import type Database from "better-sqlite3";
import type { Division, LaneRecords } from "../flow/lane-records.ts";
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
  // Every event of the new one is news to whoever decided on the former one's.
  const renewLearnt = db.prepare(`UPDATE imported_decisions SET past_to = 0
    WHERE type = (SELECT type FROM streams WHERE name = ?)`);
  return {
    streamCreated: (stream) => selectCreated.get(stream) as string | undefined,
    streamPartitions: (stream) => (selectStream.get(stream) as StreamRow | undefined)?.partitions,
    saveStream: (type, stream, created, partitions) => void upsertStream.run(stream, type, created, partitions),
    completeTo: (lane) => (selectComplete.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    intactTo: (lane) => (selectIntact.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    goBack: (lane) => void lowerCheckpoint.run(lane.stream, lane.partition),
    saveCompleteTo: db.transaction((lanes: ReadonlyMap<Lane, number>) => {
      for (const [lane, sequence] of lanes) upsertComplete.run(lane.stream, lane.partition, sequence);
    }),
    highestCheckpoint: (stream) => selectHighest.get(stream) as number,
    forgetStream: db.transaction((stream: string, division: Division, restoredTo = 0) => {
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
