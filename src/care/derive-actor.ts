import type { Delivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { ActorImage, ParkedMessage } from "../store/stored-actor.ts";
import { openThrowawayStore } from "../store/throwaway-store.ts";
import type { Lane } from "../wire/lanes.ts";
import { agedOf } from "./aged-events.ts";
import { createDerivation } from "./derive-store.ts";
import type { PublishedHistory } from "./diff.ts";

/** All the log holds about one actor. */
export interface ActorLog {
  /** In stream order. */
  readonly deliveries: readonly Delivery[];
  /** First sequence of the stream, read after the deliveries: what is older has aged out. */
  readonly firstSequence: number;
  /** When the stream was created, ms since the epoch: what was stored before is of a stream it replaced. */
  readonly createdMs: number;
  readonly published: PublishedHistory;
}

/** What the log gives of one actor. */
export interface Derived {
  readonly image: ActorImage;
  /** Reasons by sequence. */
  readonly rejections: ReadonlyMap<number, string>;
  /** Events that had to be taken from the store, because the stream no longer holds them. */
  readonly fromStore: number;
}

/** Derives actors from the log, one at a time, as the daemon would: the same processor, in a store of its own. */
export interface Deriver {
  /**
   * @param stored - how far to go: to its checkpoint, without what is kept back in quarantine; its events stand in for
   *   those that have aged out of the stream.
   */
  derive(lane: Lane, actorId: string, stored: ActorImage, log: ActorLog): Pieces<Derived>;
  close(): void;
}

/** Events applied in one piece. */
const AT_ONCE = 20;

/** Opens a deriver in memory. @param maxBytes - as the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
export function openDeriver(maxBytes: number): Deriver {
  const throwaway = openThrowawayStore();
  const { journal, images } = throwaway;

  function* derive(lane: Lane, actorId: string, stored: ActorImage, log: ActorLog): Pieces<Derived> {
    const derivation = createDerivation({ journal, lanes: [lane], maxBytes });
    const aged = agedOf(stored.events, log.deliveries, log);
    yield* derivation.aged(aged.map((event) => storedDelivery(lane, actorId, event)));
    const keyOf = ({ sequence, storedAtMs }: ParkedMessage) => `${sequence} of ${storedAtMs}`;
    const parked = new Set(stored.parked.map(keyOf));
    const due = log.deliveries.filter(
      (delivery) => delivery.sequence <= stored.checkpoint && !parked.has(keyOf(delivery)),
    );
    for (let from = 0; from < due.length; from += AT_ONCE) {
      derivation.held(due.slice(from, from + AT_ONCE));
      yield;
    }
    return {
      image: yield* images.find(lane, actorId),
      rejections: new Map(
        [...throwaway.images.rejections(lane.stream)].map(({ sequence, reason }) => [sequence, reason]),
      ),
      fromStore: aged.length,
    };
  }

  return {
    derive: (lane, actorId, stored, log) => throwaway.undone(derive(lane, actorId, stored, log)),
    close: throwaway.close,
  };
}
