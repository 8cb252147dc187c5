import type { ActorType, TrafficMessage, TrafficOptions } from "../actor/actor-type.ts";

/** The actor type has nothing to publish. */
export class NoTrafficError extends Error {
  override readonly name = "NoTrafficError";
}

/**
 * A type's seeded traffic.
 *
 * @throws NoTrafficError when there is none: nothing could be shown or checked by it.
 */
export function makeTraffic({ name, rehearsal }: ActorType, options: TrafficOptions): TrafficMessage[] {
  const messages = rehearsal.traffic(options);
  if (messages.length === 0) throw new NoTrafficError(`${name}: its rehearsal gives no traffic, nothing was checked`);
  return messages;
}
