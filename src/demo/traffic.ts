import type { ActorType, Rehearsal, TrafficMessage, TrafficOptions } from "../actor/actor-type.ts";

/** The actor type has nothing to publish. */
export class NoTrafficError extends Error {
  override readonly name = "NoTrafficError";
}

/**
 * A type's rehearsal.
 *
 * @throws NoTrafficError when it has none.
 */
export function rehearsalOf({ name, rehearsal }: ActorType): Rehearsal {
  if (rehearsal !== undefined) return rehearsal;
  throw new NoTrafficError(`${name}: it has no rehearsal, so there is no traffic to show it with or to check it by`);
}

/**
 * A type's seeded traffic.
 *
 * @throws NoTrafficError when there is none: nothing could be shown or checked by it.
 */
export function makeTraffic(type: ActorType, options: TrafficOptions): TrafficMessage[] {
  const messages = rehearsalOf(type).traffic(options);
  if (messages.length > 0) return messages;
  throw new NoTrafficError(`${type.name}: its rehearsal gives no traffic, nothing was checked`);
}
