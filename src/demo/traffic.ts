import type { ActorType, Rehearsal, TrafficMessage, TrafficOptions } from "../actor/actor-type.ts";
import { rehearsalFromContract } from "./contract-rehearsal.ts";

/** The actor type has nothing to publish. */
export class NoTrafficError extends Error {
  override readonly name = "NoTrafficError";
}

const FROM_CONTRACTS = new WeakMap<ActorType, Rehearsal>();

/** A type's rehearsal; one made from its contract when it has none. */
export function rehearsalOf(type: ActorType): Rehearsal {
  const known = type.rehearsal ?? FROM_CONTRACTS.get(type) ?? rehearsalFromContract(type);
  FROM_CONTRACTS.set(type, known);
  return known;
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
