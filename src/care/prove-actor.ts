import type { ActorType } from "../actor/actor-type.ts";
import { hasDelays, TIME_PASSED } from "../actor/delays.ts";
import { createRandom, type Random } from "../actor/seeded-random.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { ActorImage } from "../store/stored-actor.ts";
import { type Arriving, createArrivals } from "../testing/arrivals.ts";

/** Other orders that are tried. */
const ORDERS = 2;
/** The latest of its events: each order folds them again. */
const MAX_EVENTS = 100;
/** Of one that waits for times, since between any two as many delays may end as `maxDelays` allows. */
const MAX_WITH_DELAYS = 20;

/**
 * Lets an actor's own events arrive once more, shuffled, some twice, with restarts in between, and compares what it comes to
 * with what it comes to in the order in which they happened. Nothing is written.
 *
 * @param seed - the same, the same orders.
 * @returns what depends on the order, by name, for example `state`; empty when nothing does.
 */
export function* proveActor(type: ActorType, id: string, image: ActorImage, seed: number): Pieces<readonly string[]> {
  const most = hasDelays(type) ? MAX_WITH_DELAYS : MAX_EVENTS;
  const events = image.events.filter((event) => event.type !== TIME_PASSED).slice(-most);
  if (events.length < 2) return [];
  const random = createRandom(seed);
  const arrivals = createArrivals(type, id);
  for (let order = 0; order < ORDERS; order++) {
    const divergence = yield* arrivals.compare(shuffle(events, random));
    if (divergence !== undefined) return divergence.names;
  }
  return [];
}

function shuffle(events: ActorImage["events"], random: Random): Arriving[] {
  const ranked = events.flatMap((event) => {
    const arriving = { event, isRestarted: random() < 0.1, rank: random() };
    return random() < 0.2 ? [arriving, { ...arriving, rank: random() }] : [arriving];
  });
  return ranked.sort((a, b) => a.rank - b.rank);
}
