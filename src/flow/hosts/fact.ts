import type { ActorEvent } from "../../actor/actor-type.ts";
import { settle } from "./settle.ts";

/**
 * A fact as the machine hears it, frozen: it is heard again with every replay, and what one step changes in it the next
 * would find.
 *
 * @throws when its data holds what JSON does not keep.
 */
export function freezeFact(fact: ActorEvent): ActorEvent {
  if (Object.isFrozen(fact)) return fact;
  const { type, eventId, timestamp, data } = fact;
  return Object.freeze({ type, eventId, timestamp, data: settle("data", data) as ActorEvent["data"] });
}
