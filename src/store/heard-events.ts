import type Database from "better-sqlite3";
import type { Hearer } from "../flow/rows.ts";
import {
  countIn,
  type EventHash,
  findIdIn,
  findIn,
  hasEarlier,
  hashOf,
  hashOfType,
  hasTypeIn,
  placesIn,
  split,
} from "./heard.ts";

/** Which events actors have heard: their rows say it, and of those who heard many a table, too. Only it is asked for both. */
export interface HeardEvents {
  /** Row numbers of all an actor's events, in the order in which they were heard. */
  places(actor: Hearer): number[];
  /** Row numbers of what may be this event, the latest first: their rows say whether it is. */
  find(actor: Hearer, hash: EventHash): number[];
  /** The same of an event of which the id alone is known. */
  findId(actor: Hearer, eventId: string): number[];
  hasType(actor: Hearer, type: string): boolean;
  /** What the row is to say; beyond {@link MAX_IN_ROW} the earlier ones go to the table. In the transaction that saves it. */
  settle(actor: Hearer): Uint8Array;
  /** As the row says it; undefined when there is none. */
  read(actorKey: number): Hearer | undefined;
  /** Takes an event out of the table. */
  forgetEarlier(actorKey: number, place: number): void;
  /** Deletes all of an actor's events, as its row says them. @returns how many. */
  deleteAll(actorKey: number): number;
}

/** Events in an actor's row: 832 bytes. */
export const MAX_IN_ROW = 64;
/** So that it is not the next event again that moves some. */
const KEPT_IN_ROW = 16;

export function createHeardEvents(db: Database.Database): HeardEvents {
  const selectHeard = db.prepare("SELECT key, heard FROM actors WHERE key = ?");
  const selectPlaces = db.prepare("SELECT place FROM heard_earlier WHERE actor_key = ? ORDER BY place").pluck();
  const selectFound = db
    .prepare(
      "SELECT place FROM heard_earlier WHERE actor_key = ? AND type_hash = ? AND id_hash = ? ORDER BY place DESC",
    )
    .pluck();
  const selectIds = db.prepare("SELECT place FROM heard_earlier WHERE actor_key = ? AND id_hash = ?").pluck();
  const hasType = db.prepare("SELECT 1 FROM heard_earlier WHERE actor_key = ? AND type_hash = ? LIMIT 1").pluck();
  const insert = db.prepare("INSERT INTO heard_earlier (actor_key, type_hash, id_hash, place) VALUES (?, ?, ?, ?)");
  const deleteOne = db.prepare("DELETE FROM heard_earlier WHERE actor_key = ? AND place = ?");
  const deleteEarlier = db.prepare("DELETE FROM heard_earlier WHERE actor_key = ?");
  const deleteEvent = db.prepare("DELETE FROM events WHERE place = ? AND actor_key = ?");

  const read = (actorKey: number) => selectHeard.get(actorKey) as Hearer | undefined;
  const earlier = (heard: Uint8Array, select: Database.Statement, ...of: unknown[]) =>
    hasEarlier(heard) ? (select.all(...of) as number[]) : [];

  function places({ key, heard }: Hearer): number[] {
    return [...earlier(heard, selectPlaces, key), ...placesIn(heard)];
  }

  return {
    places,
    read,
    find({ key, heard }, hash) {
      const found = findIn(heard, hash);
      return hasEarlier(heard) ? [...found, ...earlier(heard, selectFound, key, hash.type, hash.id)] : found;
    },
    findId: ({ key, heard }, eventId) => [
      ...findIdIn(heard, eventId),
      ...earlier(heard, selectIds, key, hashOf({ type: "", eventId }).id),
    ],
    hasType({ key, heard }, type) {
      const hash = hashOfType(type);
      return hasTypeIn(heard, hash) || earlier(heard, hasType, key, hash).length > 0;
    },
    settle({ key, heard }) {
      if (countIn(heard) <= MAX_IN_ROW) return heard;
      const { earlier: moved, rest } = split(heard, KEPT_IN_ROW);
      for (const { type, id, place } of moved) insert.run(key, type, id, place);
      return rest;
    },
    forgetEarlier: (actorKey, place) => void deleteOne.run(actorKey, place),
    deleteAll(actorKey) {
      const actor = read(actorKey);
      if (actor === undefined) return 0;
      const all = places(actor);
      for (const place of all) deleteEvent.run(place, actorKey);
      if (hasEarlier(actor.heard)) deleteEarlier.run(actorKey);
      return all.length;
    },
  };
}
