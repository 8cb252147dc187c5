import type Database from "better-sqlite3";
import { decodeContent, sameContent } from "../actor/decision.ts";
import { goesOn } from "../flow/ledger.ts";
import type { LearntOf, Outbox } from "../flow/outbox.ts";
import type { Lane } from "../wire/lanes.ts";
import { isKept } from "./staged-actors.ts";
import { DEAD_LETTERS, DECISIONS, LEARNT, type LedgerEntry } from "./tables.ts";

/** Takes note of what the outbox streams hold. */
export interface Learning {
  readonly decisions: Outbox["learnDecisions"];
  readonly deadLetters: Outbox["importDeadLetters"];
  /** One decision, within a transaction. */
  decision(lane: Lane, found: LearntOf): void;
}

interface ActorHead {
  readonly key: number;
  readonly revision: number;
}

/** What is known already is only noted as published. */
export function createLearning(db: Database.Database): Learning {
  const decision = createDecisionLearning(db);
  // One that is due may be of a stream that was replaced; of two with one sequence it is the one with these bytes.
  const noteDeadLetter = db.prepare(`UPDATE dead_letters SET published = ? WHERE stream = ? AND sequence = ?
    AND subject = ? AND body = ?`);
  const { into, valuesOf } = DEAD_LETTERS.insert();
  const insertDeadLetter = db.prepare(`INSERT ${into} ON CONFLICT DO NOTHING`);
  return {
    decision,
    decisions: db.transaction((lane, found) => {
      for (const each of found) decision(lane, each);
    }),
    deadLetters: db.transaction((_lane, found) => {
      for (const { row, sequence: published } of found) {
        const { changes } = noteDeadLetter.run(published, row.stream, row.sequence, row.subject, row.body);
        if (changes === 0) insertDeadLetter.run(valuesOf({ ...row, published }));
      }
    }),
  };
}

function createDecisionLearning(db: Database.Database): Learning["decision"] {
  // Of a copy that may come to nothing, none: what it does not bring would be taken for learnt.
  const selectActor = db.prepare(`SELECT key, revision FROM actors WHERE type = ? AND id = ? AND ${isKept("key")}`);
  const selectRetired = db.prepare("SELECT 1 FROM retired WHERE type = ? AND actor_id = ?").pluck();
  const selectOurs = db.prepare(`SELECT ${DECISIONS.select(["payload", "published"])} FROM decisions
    WHERE actor_key = ? AND revision = ?`);
  const markPublished = db.prepare("UPDATE decisions SET published = ? WHERE actor_key = ? AND revision = ?");
  const selectLatest = db
    .prepare("SELECT coalesce(max(revision), 0) FROM imported_decisions WHERE type = ? AND actor_id = ?")
    .pluck();
  const { into, valuesOf } = LEARNT.insert();
  const insert = db.prepare(`INSERT ${into} ON CONFLICT DO NOTHING`);

  return (lane, found) => {
    const type = lane.type.name;
    const { actorId, revision, sequence, payload } = found;
    const actor = selectActor.get(type, actorId) as ActorHead | undefined;
    const ours =
      actor && (selectOurs.get(actor.key, revision) as Pick<LedgerEntry, "payload" | "published"> | undefined);
    if (actor !== undefined && ours !== undefined) {
      // A different decision under our revision is met, and reconciled, when ours is published.
      if (ours.published !== null || !sameDecision(lane, ours.payload, payload)) return;
      markPublished.run(sequence, actor.key, revision);
      return;
    }
    // All of a retired actor's decisions are read when it is brought back.
    if (actor === undefined && selectRetired.get(type, actorId) !== undefined) return;
    const before = Math.max(actor?.revision ?? 0, selectLatest.get(type, actorId) as number);
    if (!goesOn(before, revision)) return;
    insert.run(valuesOf({ ...found, type, partition: lane.partition }));
  };
}

function sameDecision(lane: Lane, ours: string, theirs: string): boolean {
  return sameContent(decodeContent(lane.type, ours), decodeContent(lane.type, theirs));
}
