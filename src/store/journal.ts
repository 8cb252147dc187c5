import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import { createActorRows } from "./actor-rows.ts";
import { awaitWriter } from "./database.ts";
import { createDeadLetterRecord } from "./dead-letter-rows.ts";
import { createDecisionRows } from "./decision-rows.ts";
import { createEventRows } from "./event-rows.ts";
import { createHeldRows } from "./held-rows.ts";
import { asHeld } from "./store-error.ts";

/** The write side of the store: each method one statement, all of them prepared once. */
export function createJournal(db: Database.Database): Journal {
  const { learnt, ...decisionRows } = createDecisionRows(db);
  const { quarantined, anyParked, retired, ...heldRows } = createHeldRows(db);
  const selectCheckpoint = db.prepare("SELECT sequence FROM checkpoints WHERE stream = ? AND partition = ?").pluck();
  const upsertCheckpoint = db.prepare(`INSERT INTO checkpoints (stream, partition, sequence, heard_ms)
    VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence,
    heard_ms = coalesce(max(heard_ms, excluded.heard_ms), heard_ms, excluded.heard_ms)`);
  const upsertTally = db.prepare(`INSERT INTO tallies (type, partition, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = value + excluded.value`);
  return {
    transaction: createTransaction(db, () => {
      learnt.look();
      quarantined.look();
      anyParked.look();
      retired.look();
    }),
    checkpoint: (lane) => (selectCheckpoint.get(lane.stream, lane.partition) as number | undefined) ?? 0,
    saveCheckpoint: (lane, sequence, heardAtMs) =>
      void upsertCheckpoint.run(lane.stream, lane.partition, sequence, heardAtMs ?? null),
    ...createActorRows(db),
    ...createEventRows(db),
    ...decisionRows,
    ...heldRows,
    recordDeadLetter: createDeadLetterRecord(db),
    addTally: (lane, name, delta) => void upsertTally.run(lane.type.name, lane.partition, name, delta),
  };
}

/**
 * A program that holds the store is waited for once, and then told of: the next attempts say at once how it is.
 *
 * @param look - what is done before each.
 */
function createTransaction(db: Database.Database, look: () => void): Journal["transaction"] {
  const begin = db.transaction((work: () => unknown) => work());
  /** By another program, when it was last tried to write. */
  let isHeld = false;
  return <Result>(work: () => Result): Result => {
    look();
    try {
      const result = begin.immediate(work) as Result;
      if (isHeld) awaitWriter(db, true);
      isHeld = false;
      return result;
    } catch (error) {
      const held = asHeld(error, db.name);
      if (held === undefined) throw error;
      if (!isHeld) awaitWriter(db, false);
      isHeld = true;
      throw held;
    }
  };
}
