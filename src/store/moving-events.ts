import type { EventName } from "../flow/rows.ts";
import { createHeardRebuild } from "./heard-rebuild.ts";
import type { Moving, MovingStep } from "./moving.ts";

/** About 10 ms each. */
const EVENTS_AT_ONCE = 1000;
const ACTORS_AT_ONCE = 200;

const COLUMNS = `actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, replayed, duplicates, conflicts,
  correlation_id, body`;

interface NumberedEvent extends EventName {
  readonly place: number;
}

/** In the order in which they were heard, each with its number. */
const events: MovingStep = {
  last: "SELECT coalesce(max(rowid), 0) FROM events_indexed",
  prepare(db) {
    const insert = db.prepare(`INSERT INTO events (place, ${COLUMNS}) SELECT rowid, ${COLUMNS} FROM events_indexed
      WHERE rowid > ? ORDER BY rowid LIMIT ${EVENTS_AT_ONCE}`);
    return (after) => {
      const { changes, lastInsertRowid } = insert.run(after);
      return changes === 0 ? undefined : { last: Number(lastInsertRowid), rows: changes };
    };
  },
};

/** What each has heard goes into its row; the index that has been of the events tells it. */
const actors: MovingStep = {
  last: "SELECT coalesce(max(key), 0) FROM actors",
  prepare(db) {
    const selectKeys = db.prepare(`SELECT key FROM actors WHERE key > ? ORDER BY key LIMIT ${ACTORS_AT_ONCE}`).pluck();
    const selectEvents = db.prepare(`SELECT rowid AS place, type, event_id AS eventId FROM events_indexed
      WHERE actor_key = ? ORDER BY rowid`);
    const { add, save } = createHeardRebuild(db);
    return (after) => {
      const keys = selectKeys.all(after) as number[];
      for (const key of keys) {
        for (const event of selectEvents.all(key) as NumberedEvent[]) add(key, event, event.place);
      }
      save();
      const last = keys.at(-1);
      return last === undefined ? undefined : { last, rows: keys.length };
    };
  },
};

export const eventsMoved: Moving = {
  schema: 13,
  steps: [events, actors],
  end: "DROP TABLE events_indexed",
};
