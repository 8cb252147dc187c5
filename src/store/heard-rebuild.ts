import type Database from "better-sqlite3";
import type { EventName, Hearer } from "../flow/rows.ts";
import { hashOf, withOne } from "./heard.ts";
import { createHeardEvents } from "./heard-events.ts";

/** Says again in actors' rows which events they have heard, where these have come into a store by other ways than one by one. */
export interface HeardRebuild {
  /** In the order in which they were heard, best actor by actor. */
  add(actorKey: number, event: EventName, place: number): void;
  /** Writes what has been added, in the same transaction. */
  save(): void;
}

export function createHeardRebuild(db: Database.Database): HeardRebuild {
  const { read, settle } = createHeardEvents(db);
  const update = db.prepare("UPDATE actors SET heard = ? WHERE key = ?");
  let actor: Hearer | undefined;

  function save(): void {
    if (actor !== undefined) update.run(actor.heard, actor.key);
    actor = undefined;
  }

  return {
    add(actorKey, event, place) {
      if (actor?.key !== actorKey) {
        save();
        actor = read(actorKey) ?? { key: actorKey, heard: new Uint8Array() };
      }
      actor.heard = withOne(actor.heard, hashOf(event), place);
      actor.heard = settle(actor);
    },
    save,
  };
}
