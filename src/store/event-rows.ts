import { isDeepStrictEqual } from "node:util";
import type Database from "better-sqlite3";
import { withoutSource } from "../flow/cloud-event.ts";
import type { Journal } from "../flow/journal.ts";
import type { EventRow } from "../flow/rows.ts";
import { EVENT_FIELDS, EVENTS } from "./tables.ts";

type Content = Pick<EventRow, "timestamp" | "body">;
type FirstHeard = Content & Pick<EventRow, "sequence" | "storedAtMs">;

/** What actors have heard, each event once. */
export function createEventRows(
  db: Database.Database,
): Pick<Journal, "eventsOf" | "recordEvent" | "markOutcome" | "forgetEvent"> {
  const select = (and: string) =>
    db.prepare(`SELECT ${EVENTS.select(EVENT_FIELDS)} FROM events WHERE actor_key = ? ${and} ORDER BY rowid`);
  const selectAll = select("");
  const selectFrom = select("AND timestamp >= ?");
  const { into, valuesOf } = EVENTS.insert(EVENT_FIELDS, { outcome: "'applied'" });
  const insert = db.prepare(`INSERT OR IGNORE ${into}`);
  const ofEvent = "WHERE actor_key = ? AND type = ? AND event_id = ?";
  const selectContent = db.prepare(
    `SELECT ${EVENTS.select(["timestamp", "body", "sequence", "storedAtMs"])} FROM events ${ofEvent}`,
  );
  const countDuplicate = db.prepare(`UPDATE events SET duplicates = duplicates + 1 ${ofEvent}`);
  const countConflict = db.prepare(`UPDATE events SET conflicts = conflicts + 1 ${ofEvent}`);
  const updateOutcome = db.prepare(`UPDATE events SET outcome = ?, replayed = ? ${ofEvent}`);
  const remove = db.prepare(`DELETE FROM events ${ofEvent}`);

  const findContent = (actorKey: number, type: string, eventId: string) =>
    selectContent.get(actorKey, type, eventId) as FirstHeard | undefined;

  /** @param eventId - by which the first is stored. */
  function countAgain(first: FirstHeard, row: EventRow, eventId: string): "duplicate" | "conflict" | "again" {
    if (first.sequence === row.sequence && first.storedAtMs === row.storedAtMs) return "again";
    const isSame = hasSameContent(first, row);
    (isSame ? countDuplicate : countConflict).run(row.actorKey, row.type, eventId);
    return isSame ? "duplicate" : "conflict";
  }

  return {
    eventsOf: (actorKey, from) =>
      (from === undefined ? selectAll.all(actorKey) : selectFrom.all(actorKey, toMilliseconds(from))) as EventRow[],
    recordEvent(row) {
      const { actorKey, eventId, type } = row;
      // In earlier versions a CloudEvent was known by its id alone.
      const earlier = eventId.includes("#") ? findContent(actorKey, type, withoutSource(eventId)) : undefined;
      if (earlier !== undefined && hasSameContent(earlier, row)) {
        return countAgain(earlier, row, withoutSource(eventId));
      }
      if (insert.run(valuesOf(row)).changes === 1) return "new";
      return countAgain(findContent(actorKey, type, eventId) as FirstHeard, row, eventId);
    },
    markOutcome: (actorKey, { type, eventId }, outcome, replayed) =>
      void updateOutcome.run(outcome, replayed, actorKey, type, eventId),
    forgetEvent: (actorKey, { type, eventId }) => void remove.run(actorKey, type, eventId),
  };
}

/** Without its Z and finer digits a time comes, as text, before all that are not earlier. */
function toMilliseconds(timestamp: string): string {
  return timestamp.slice(0, 23);
}

/** The order of names in an object says nothing; the correlation id is no content. */
function hasSameContent(a: Content, b: Content): boolean {
  if (a.timestamp !== b.timestamp) return false;
  return a.body === b.body || isDeepStrictEqual(JSON.parse(a.body), JSON.parse(b.body));
}
