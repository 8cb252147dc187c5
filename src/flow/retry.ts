import type { Lane } from "../wire/lanes.ts";
import type { Act } from "./act.ts";
import type { Batch } from "./batch.ts";
import { storedDelivery } from "./event-row.ts";
import type { Hearing } from "./hearing.ts";
import { findOrFail, type HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { ReplayError } from "./rebuild.ts";

/** An actor that is held, to be tried once more. */
export interface Retried {
  readonly lane: Lane;
  readonly actorId: string;
  readonly hearing: Hearing;
  readonly batch: Batch;
}

/** Folds all that an actor has heard anew, and concludes from it; what follows is caused by the last that it heard. */
export function createRetry(journal: Journal, actors: HotActors, act: Act): (retried: Retried) => void {
  return ({ lane, actorId, hearing, batch }) => {
    const row = journal.findActor(lane.type.name, actorId);
    const last = row && [...journal.eventsOf(row.key)].at(-1);
    if (last === undefined) return;
    const { stored: observation, ...delivery } = storedDelivery(lane, actorId, last);
    const actor = findOrFail(() => actors.findAnew(lane, actorId, last.storedAtMs));
    if (actor instanceof ReplayError) return;
    act.retry({ delivery, observation, actor, isHeld: true }, hearing, batch);
    if (!journal.isQuarantined(lane.type.name, actorId)) return;
    // Where a fold ended before its fault depends on the order in which it was heard: the row keeps that.
    batch.touched.delete(actor);
    actors.evict(lane, actorId);
  };
}
