import type Database from "better-sqlite3";
import type { ImportedDecision } from "../flow/outbox.ts";

/** How much a store holds. */
export interface StoreCounts {
  readonly actors: number;
  readonly events: number;
  readonly decisions: number;
  /** Decisions and dead letters that are still to be published. */
  readonly pending: number;
  readonly quarantined: number;
  /** Of these only that is kept. */
  readonly retired: number;
}

/** Looks for what cannot be right in a store, whatever the log says. */
export interface Inspector {
  counts(): StoreCounts;
  /** What its tables say of each other that does not agree, a line each. */
  contradictions(): string[];
  /** Is this decision in the ledger, with these bytes, as published with this sequence? Or its actor retired after it? */
  holds(type: string, decision: ImportedDecision): boolean;
  /** Events another store has and this one does not: how many, and of which actors, a few of them. */
  missingFrom(otherFile: string): { readonly count: number; readonly actorIds: string[] };
}

interface Contradiction {
  readonly count: number;
  readonly id: string;
}

/** Each gives how many rows are wrong and the id of one; a count of 0 is well. */
const RULES: ReadonlyArray<readonly [what: string, sql: string]> = [
  [
    "decisions in DECISIONS do not follow from the log",
    "SELECT count(*) AS count, min(actor_id) AS id FROM imported_decisions",
  ],
  [
    "actors count other events than they have",
    `SELECT count(*) AS count, min(id) AS id FROM actors
     WHERE events <> (SELECT count(*) FROM events WHERE actor_key = actors.key AND outcome <> 'tick')`,
  ],
  [
    "actors have a gap between their revisions",
    `SELECT count(*) AS count, min(id) AS id FROM (SELECT min(actor_id) AS id FROM decisions GROUP BY actor_key
     HAVING count(*) <> max(revision) - min(revision) + 1)`,
  ],
  [
    "actors stand at another revision than their last",
    `SELECT count(*) AS count, min(id) AS id FROM actors
     WHERE revision <> (SELECT coalesce(max(revision), 0) FROM decisions WHERE actor_key = actors.key)`,
  ],
  [
    "is the number of actors the running counts are wrong by",
    `SELECT abs((SELECT coalesce(sum(value), 0) FROM tallies WHERE name LIKE 'state:%')
     - (SELECT count(*) FROM actors)) AS count, '' AS id`,
  ],
  [
    "is the number of retired actors the running counts are wrong by",
    `SELECT abs((SELECT coalesce(sum(value), 0) FROM tallies WHERE name = 'retired')
     - (SELECT count(*) FROM retired)) AS count, '' AS id`,
  ],
  [
    "actors are retired and have a row",
    `SELECT count(*) AS count, min(actor_id) AS id FROM retired r
     WHERE EXISTS (SELECT 1 FROM actors WHERE type = r.type AND id = r.actor_id)`,
  ],
];

/** @param db - a store nobody else writes. */
export function createContradictions(db: Database.Database): Inspector {
  const selectHeld = db.prepare(`SELECT 1 FROM decisions WHERE actor_key = (SELECT key FROM actors WHERE type = ?
    AND id = ?) AND revision = ? AND payload = ? AND published = ?`);
  // What came after it was published by another owner, for the late event that is parked here.
  const selectRetired = db.prepare(`SELECT 1 FROM retired WHERE type = ? AND actor_id = ?
    AND (revision >= ? OR status = 'wanted')`);
  return {
    counts: () =>
      db
        .prepare(`SELECT (SELECT count(*) FROM actors) AS actors, (SELECT count(*) FROM events) AS events,
          (SELECT count(*) FROM decisions) AS decisions, (SELECT count(*) FROM quarantine) AS quarantined,
          (SELECT count(*) FROM retired) AS retired,
          (SELECT count(*) FROM decisions WHERE published IS NULL)
          + (SELECT count(*) FROM dead_letters WHERE published IS NULL) AS pending`)
        .get() as StoreCounts,
    contradictions: () =>
      RULES.flatMap(([what, sql]) => {
        const { count, id } = db.prepare(sql).get() as Contradiction;
        return count === 0 ? [] : [`${count} ${what}${id === "" ? "" : `, ${id} among them`}`];
      }),
    holds: (type, { actorId, revision, payload, sequence }) =>
      selectHeld.get(type, actorId, revision, payload, sequence) !== undefined ||
      selectRetired.get(type, actorId, revision) !== undefined,
    missingFrom(otherFile) {
      db.prepare("ATTACH ? AS other").run(otherFile);
      try {
        const rows = db
          .prepare(`SELECT a.id, count(*) AS count FROM other.events e JOIN other.actors a ON a.key = e.actor_key
            WHERE NOT EXISTS (SELECT 1 FROM main.actors m JOIN main.events n ON n.actor_key = m.key
            WHERE m.type = a.type AND m.id = a.id AND n.type = e.type AND n.event_id = e.event_id) GROUP BY a.key`)
          .all() as { id: string; count: number }[];
        return {
          count: rows.reduce((sum, row) => sum + row.count, 0),
          actorIds: rows.slice(0, 5).map(({ id }) => id),
        };
      } finally {
        db.exec("DETACH other");
      }
    },
  };
}
