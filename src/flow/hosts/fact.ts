import type { ActorEvent } from "../../actor/actor-type.ts";
import type { Place } from "./fact-order.ts";
import { freezeJson, settle } from "./settle.ts";

/**
 * Gives the facts heard before that happened after a place, in any order; without one, all. More do no harm. Asked only
 * for a fact that happened before others, or after a fault.
 */
export type Past = (after?: Place) => readonly ActorEvent[];

/**
 * A fact as the machine hears it, frozen: it is heard again with every replay, and what one step changes in it the next
 * would find.
 *
 * @throws when its data holds what JSON does not keep.
 */
export function freezeFact(fact: ActorEvent): ActorEvent {
  if (Object.isFrozen(fact)) return fact;
  const { type, eventId, timestamp, data } = fact;
  // Decoding freezes what it has settled, and nothing else is frozen before.
  const settled = Object.isFrozen(data) ? data : (settle("data", data) as ActorEvent["data"]);
  return Object.freeze({ type, eventId, timestamp, data: settled });
}

/** Freezes a fact that was just read from its row: nobody else has it, and JSON has made its data. */
export function freezeStored(fact: ActorEvent): ActorEvent {
  return freezeJson(fact) as ActorEvent;
}
