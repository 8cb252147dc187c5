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

/** An actor's own events take no longer. */
const STORY_MS = 120_000;
const MOST_MS = 600_000;

/** Dates that begin at a moment, by default so that all has just happened: what is heard late is minutes late, not months. */
export function datesFrom(startMs: number | undefined, actors: number) {
  const everyMs = Math.max(1, Math.min(1000, Math.floor(MOST_MS / Math.max(1, actors))));
  const justNowMs = Date.now() - STORY_MS - actors * everyMs;
  // From a whole minute on, so that a story reads well.
  return { startMs: startMs ?? justNowMs - (justNowMs % 60_000), everyMs };
}
