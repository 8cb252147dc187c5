import type { ActorType } from "../../machines/actor-type.ts";

/**
 * Where an actor's partition is read: by this daemon; by another one, so that what is here of it is of the past; or by
 * this one, which has not yet read what the stream holds.
 */
export type Whereabouts = "here" | "elsewhere" | "catching_up";

/** Why it cannot be said that there is no such actor. */
export function notYet(type: ActorType, actorId: string): string {
  return `${type.name} ${JSON.stringify(actorId)} is not here yet: its partition is still being read, ask again`;
}

/** Why another daemon is to be asked. */
export function notOurs(type: ActorType, actorId: string): string {
  return `another daemon reads the partition of ${type.name} ${JSON.stringify(actorId)}: ask that one, or npx natstate get, which asks whoever it is`;
}
