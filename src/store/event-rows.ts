import { isDeepStrictEqual } from "node:util";
import type Database from "better-sqlite3";
import { withoutSource } from "../flow/cloud-event.ts";
import type { Journal } from "../flow/journal.ts";
import type { EventName, EventRow, Hearer, StoredFact } from "../flow/rows.ts";
import { hasEarlier, hashOf, placesIn, withOne, withoutOne } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";
import { EVENT_FIELDS, EVENTS } from "./tables.ts";

type Content = Pick<EventRow, "timestamp" | "body">;
interface FirstHeard extends Content, Pick<EventRow, "sequence" | "storedAtMs"> {
  readonly place: number;
}

/** Of which actor, and since when. */
const OF_ACTOR = "e.actor_key = ? AND e.timestamp >= ?";

type FactReads = "factsOf" | "factsInTurn";

const FACT = "e.type, e.event_id, e.timestamp, e.body";

/** What actors have heard, each event once. */
export function createEventRows(
  db: Database.Database,
): Pick<Journal, "eventsOf" | FactReads | "heardTypes" | "hasHeard" | "recordEvent" | "markOutcome" | "forgetEvent"> {
  const heard = createHeardEvents(db);
  const readRows = prepareRead<EventRow>(db, EVENTS.select(EVENT_FIELDS, "e"));
  // As arrays: objects made by the driver cost more than those made here.
  const readFacts = prepareRead<string[]>(db, FACT, true);
  const selectFact = db.prepare(`SELECT ${FACT} FROM events e WHERE e.place = ? AND ${OF_ACTOR}`).raw();
  const { into, valuesOf } = EVENTS.insert(EVENT_FIELDS, { outcome: "'applied'" });
  const insert = db.prepare(`INSERT ${into}`);
  const ofEvent = "WHERE place = ? AND actor_key = ? AND type = ? AND event_id = ?";
  const selectContent = db.prepare(
    `SELECT place, ${EVENTS.select(["timestamp", "body", "sequence", "storedAtMs"])} FROM events ${ofEvent}`,
  );
  const countDuplicate = db.prepare("UPDATE events SET duplicates = duplicates + 1 WHERE place = ?");
  const countConflict = db.prepare("UPDATE events SET conflicts = conflicts + 1 WHERE place = ?");
  const updateOutcome = db.prepare(`UPDATE events SET outcome = ?, replayed = ? ${ofEvent}`);
  const remove = db.prepare(`DELETE FROM events ${ofEvent}`);

  function find(actor: Hearer, event: EventName, hash = hashOf(event)): FirstHeard | undefined {
    for (const place of heard.find(actor, hash)) {
      const found = selectContent.get(place, actor.key, event.type, event.eventId) as FirstHeard | undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function countAgain(first: FirstHeard, row: EventRow): "duplicate" | "conflict" | "again" | "damaged" {
    if (first.sequence === row.sequence && first.storedAtMs === row.storedAtMs) return "again";
    const isSame = hasSameContent(first, row);
    if (isSame === undefined) return "damaged";
    (isSame ? countDuplicate : countConflict).run(first.place);
    return isSame ? "duplicate" : "conflict";
  }

  return {
    eventsOf: (actor) => readRows(actor),
    factsOf: (actor, from) => readFacts(actor, from === undefined ? "" : toMilliseconds(from)).map(toFact),
    *factsInTurn(actor, from) {
      const since = from === undefined ? "" : toMilliseconds(from);
      for (const place of heard.places(actor)) {
        const fact = selectFact.get(place, actor.key, since) as string[] | undefined;
        yield fact && toFact(fact);
      }
    },
    heardTypes: (actor, eventTypes) => eventTypes.filter((type) => heard.hasType(actor, type)),
    hasHeard: (actor, event) => find(actor, event) !== undefined,
    recordEvent(actor, row) {
      const { eventId, type } = row;
      // In earlier versions a CloudEvent was known by its id alone.
      const earlier = eventId.includes("#") ? find(actor, { type, eventId: withoutSource(eventId) }) : undefined;
      if (earlier !== undefined && hasSameContent(earlier, row) !== false) return countAgain(earlier, row);
      const hash = hashOf(row);
      const first = find(actor, row, hash);
      if (first !== undefined) return countAgain(first, row);
      const { lastInsertRowid } = insert.run(valuesOf(row));
      actor.heard = withOne(actor.heard, hash, Number(lastInsertRowid));
      return "new";
    },
    markOutcome(actor, event, { outcome, replayed }) {
      const { type, eventId } = event;
      for (const place of heard.find(actor, hashOf(event))) {
        if (updateOutcome.run(outcome, replayed, place, actor.key, type, eventId).changes === 1) return;
      }
    },
    forgetEvent(actor, event) {
      const { type, eventId } = event;
      for (const place of heard.find(actor, hashOf(event))) {
        if (remove.run(place, actor.key, type, eventId).changes === 0) continue;
        const rest = withoutOne(actor.heard, place);
        // To look for it there costs reading all that the actor has there.
        if (rest === actor.heard) heard.forgetEarlier(actor.key, place);
        actor.heard = rest;
        return;
      }
    },
  };
}

/** @returns what reads the same of each of an actor's events, in the order in which it heard them. */
function prepareRead<Read>(db: Database.Database, what: string, isRaw = false) {
  const selectEarlier = db
    .prepare(`SELECT ${what} FROM heard_earlier h CROSS JOIN events e ON e.place = h.place
      WHERE h.actor_key = ? AND ${OF_ACTOR} ORDER BY h.place`)
    .raw(isRaw);
  const selectOne = db.prepare(`SELECT ${what} FROM events e WHERE e.place = ? AND ${OF_ACTOR}`).raw(isRaw);
  return ({ key, heard }: Readonly<Hearer>, since = ""): Read[] => {
    const all = hasEarlier(heard) ? (selectEarlier.all(key, key, since) as Read[]) : [];
    for (const place of placesIn(heard)) {
      const one = selectOne.get(place, key, since) as Read | undefined;
      if (one !== undefined) all.push(one);
    }
    return all;
  };
}

function toFact([type, eventId, timestamp, body]: readonly string[]): StoredFact {
  return { type, eventId, timestamp, body } as StoredFact;
}

/** Without its Z and finer digits a time comes, as text, before all that are not earlier. */
function toMilliseconds(timestamp: string): string {
  return timestamp.slice(0, 23);
}

/**
 * The order of names in an object says nothing; the correlation id is no content.
 *
 * @returns undefined when what is stored is damaged.
 */
function hasSameContent(stored: Content, heard: Content): boolean | undefined {
  if (stored.timestamp !== heard.timestamp) return false;
  if (stored.body === heard.body) return true;
  try {
    return isDeepStrictEqual(JSON.parse(stored.body), JSON.parse(heard.body));
  } catch {
    return undefined;
  }
}
