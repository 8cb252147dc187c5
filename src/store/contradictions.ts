import type Database from "better-sqlite3";
import type { ImportedDecision } from "../flow/outbox.ts";
import type { EventName, Hearer } from "../flow/rows.ts";
import { hashOf } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";
import { defineHeardFunctions } from "./heard-sql.ts";
import { isKept } from "./staged-actors.ts";

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
  /** Events of these types another store has and this one does not: how many, and of which actors, a few of them. */
  missingFrom(otherFile: string, types: readonly string[]): { readonly count: number; readonly actorIds: string[] };
}

interface Contradiction {
  readonly count: number;
  readonly id: string;
}

/** Is it known why what this actor had decided does not follow from the log? */
export type IsExplained = (type: string, actorId: string) => boolean;

/** Each gives how many rows are wrong and the id of one; a count of 0 is well. */
const RULES: ReadonlyArray<readonly [what: string, sql: string]> = [
  [
    "published decisions that do not follow from the log",
    "SELECT count(*) AS count, min(actor_id) AS id FROM imported_decisions WHERE NOT explained(type, actor_id)",
  ],
  [
    "actors that count other events than they have",
    `SELECT count(*) AS count, min(id) AS id FROM actors LEFT JOIN
     (SELECT actor_key, count(*) AS counted FROM events WHERE outcome <> 'tick' GROUP BY 1) ON actor_key = key
     WHERE events <> coalesce(counted, 0)`,
  ],
  [
    "events that their actors do not know of",
    `SELECT count(*) AS count, coalesce(min(a.id), '') AS id FROM events e LEFT JOIN actors a ON a.key = e.actor_key
     WHERE a.key IS NULL OR NOT (has_place(a.heard, e.type, e.event_id, e.place)
     OR EXISTS (SELECT 1 FROM heard_earlier h WHERE h.actor_key = e.actor_key AND h.type_hash = type_hash(e.type)
     AND h.id_hash = id_hash(e.event_id) AND h.place = e.place))`,
  ],
  [
    "actors that know of other events than they have",
    `SELECT count(*) AS count, min(id) AS id FROM actors
     LEFT JOIN (SELECT actor_key AS of, count(*) AS kept FROM events GROUP BY 1) ON of = key
     LEFT JOIN (SELECT actor_key AS by, count(*) AS earlier FROM heard_earlier GROUP BY 1) ON by = key
     WHERE count_heard(heard) + coalesce(earlier, 0) <> coalesce(kept, 0)`,
  ],
  [
    "actors with a gap between their revisions",
    `SELECT count(*) AS count, min(id) AS id FROM (SELECT min(actor_id) AS id FROM decisions GROUP BY actor_key
     HAVING count(*) <> max(revision) - min(revision) + 1 AND NOT explained(min(type), min(actor_id)))`,
  ],
  [
    "actors that stand at another revision than their last",
    `SELECT count(*) AS count, min(id) AS id FROM actors
     WHERE revision <> (SELECT coalesce(max(revision), 0) FROM decisions WHERE actor_key = actors.key)`,
  ],
  [
    "actors that the running counts are wrong by",
    `SELECT abs((SELECT coalesce(sum(value), 0) FROM tallies WHERE name LIKE 'state:%')
     - (SELECT count(*) FROM actors)) AS count, '' AS id`,
  ],
  [
    "retired actors that the running counts are wrong by",
    `SELECT abs((SELECT coalesce(sum(value), 0) FROM tallies WHERE name = 'retired')
     - (SELECT count(*) FROM retired)) AS count, '' AS id`,
  ],
  [
    "actors that are retired and have a row",
    `SELECT count(*) AS count, min(actor_id) AS id FROM retired r
     WHERE EXISTS (SELECT 1 FROM actors WHERE type = r.type AND id = r.actor_id)`,
  ],
];

/** @param db - a store nobody else writes. @param isExplained - such decisions contradict nothing. */
export function createContradictions(db: Database.Database, isExplained: IsExplained): Inspector {
  defineHeardFunctions(db);
  db.function("explained", (type, actorId) => Number(isExplained(String(type), String(actorId))));
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
        return count === 0 ? [] : [`${what}: ${count}${id === "" ? "" : `, ${id} among them`}`];
      }),
    holds: (type, { actorId, revision, payload, sequence }) =>
      selectHeld.get(type, actorId, revision, payload, sequence) !== undefined ||
      selectRetired.get(type, actorId, revision) !== undefined,
    missingFrom(otherFile, types) {
      db.prepare("ATTACH ? AS other").run(otherFile);
      try {
        const missing = findMissing(db, types);
        return { count: missing.length, actorIds: [...new Set(missing)].slice(0, 5) };
      } finally {
        db.exec("DETACH other");
      }
    },
  };
}

/** @returns of each event in `other` that is missing its actor's id. */
function findMissing(db: Database.Database, types: readonly string[]): string[] {
  const heard = createHeardEvents(db);
  const selectTheirs = db.prepare(`SELECT a.type AS actorType, a.id, e.type, e.event_id AS eventId
    FROM other.events e CROSS JOIN other.actors a ON a.key = e.actor_key WHERE a.type IN (${types.map(() => "?")})
    AND ${isKept("a.key", "other")}`);
  const selectOurs = db.prepare("SELECT key, heard FROM main.actors WHERE type = ? AND id = ?");
  const isEvent = db.prepare(
    "SELECT 1 FROM main.events WHERE place = ? AND actor_key = ? AND type = ? AND event_id = ?",
  );
  const missing: string[] = [];
  for (const { actorType, id, ...event } of selectTheirs.iterate(types) as IterableIterator<OthersEvent>) {
    const actor = selectOurs.get(actorType, id) as Hearer | undefined;
    const places = actor === undefined ? [] : heard.find(actor, hashOf(event));
    if (!places.some((place) => isEvent.get(place, actor?.key, event.type, event.eventId) !== undefined))
      missing.push(id);
  }
  return missing;
}

interface OthersEvent extends EventName {
  readonly actorType: string;
  readonly id: string;
}
