import type Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { LearntDecision } from "../flow/rows.ts";
import { createRareRows, type RareRows } from "./rare-rows.ts";
import { DECISIONS, LEARNT } from "./tables.ts";

/** What actors have decided, and what the stream holds of decisions they have not come to yet. */
export interface DecisionRows
  extends Pick<Journal, "recordDecision" | "adoptDecision" | "learntDecisions" | "learnDecision"> {
  readonly learnt: RareRows;
}

/** Decisions as the writer takes and learns them; publishing them is the outbox's. */
export function createDecisionRows(db: Database.Database): DecisionRows {
  const learnt = createRareRows(db, "imported_decisions");
  const ledger = DECISIONS.insert();
  const insertDecision = db.prepare(`INSERT ${ledger.into}`);
  const selectLearnt = db.prepare(`SELECT ${LEARNT.select(["revision", "payload", "sequence", "pastTo"])}
    FROM imported_decisions WHERE type = ? AND actor_id = ? ORDER BY revision`);
  const others = LEARNT.insert();
  const insertLearnt = db.prepare(`INSERT OR REPLACE ${others.into}`);
  const deleteLearnt = db.prepare("DELETE FROM imported_decisions WHERE type = ? AND actor_id = ? AND revision = ?");
  return {
    learnt,
    recordDecision: (row) => void insertDecision.run(ledger.valuesOf({ ...row, published: null })),
    adoptDecision(row, published) {
      insertDecision.run(ledger.valuesOf({ ...row, published }));
      deleteLearnt.run(row.type, row.actorId, row.revision);
    },
    learntDecisions: (type, actorId) =>
      learnt.mayExist() ? (selectLearnt.all(type, actorId) as LearntDecision[]) : [],
    learnDecision({ type, partition }, actorId, found) {
      learnt.note();
      insertLearnt.run(others.valuesOf({ ...found, type: type.name, actorId, partition }));
    },
  };
}
