import type { ActorType } from "../actor/actor-type.ts";
import { hasDelays } from "../actor/delays.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import { type DueRenewal, startDueRenewal } from "../flow/due-renewal.ts";
import { startTickLooks } from "../flow/tick-looks.ts";
import { createTicks } from "../flow/ticks.ts";
import { createStreamPublisher } from "../jetstream/pub-acks.ts";
import { createTickPublisher } from "../jetstream/tick-publisher.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Foundation } from "./foundation.ts";
import type { Parts, Ticking } from "./parts.ts";

type TickingParts = Foundation & Pick<Parts, "reading">;

/** Where no actor can wait for a time there is nothing to look at. */
const NO_TICKING: Ticking = { troubles: () => [], onTheirWay: () => 0, overdueMs: () => 0, stop() {} };

/**
 * Says to actors of our lanes that a delay of theirs has ended, from now on: read `flow/ticks.ts` for which and when.
 */
export function startTicking(parts: TickingParts, stack: AsyncDisposableStack): Ticking {
  const { config, types, store, connection, own, observers, reading, logger } = parts;
  const waiting = new Set(types.filter(hasDelays));
  if (waiting.size === 0) return NO_TICKING;
  const { times } = reading;
  const pubAcks = createStreamPublisher(connection.session);
  stack.defer(pubAcks.stop);
  const publisher = createTickPublisher(pubAcks, observers.observer.ticked);
  const ticks = createTicks({ clock: SYSTEM_CLOCK, perSecond: config.NATSTATE_TICKS_PER_SECOND });
  const looks = startTickLooks({
    ...{ clock: SYSTEM_CLOCK, times, ticks, findDue: store.findDue, ask: reading.ask, publish: publisher.publish },
    // What is published while NATS is away goes out when it is back, perhaps of a lane that is another's by then.
    lanes: () => (connection.isConnected() ? own.taken().filter(({ type }) => waiting.has(type)) : []),
    onTrouble: (error) => logger.debug({ err: error }, "not looked for delays that have ended, trying again"),
  });
  stack.defer(looks.stop);
  observers.add({
    committed: ({ handled }) => {
      for (const [lane, storedAtMs] of lastStored(handled, waiting)) {
        times.applied(lane, storedAtMs);
        looks.stir(lane);
      }
    },
    doubted: (_, lane) => times.forget(lane),
    released(lanes) {
      for (const lane of lanes) {
        times.forget(lane);
        looks.forget(lane);
      }
    },
  });
  const renewal = startRenewing(parts, [...waiting], looks.stir);
  stack.defer(renewal.stop);
  parts.copying.onCopied(renewal.lookAgain);
  return {
    troubles: publisher.troubles,
    onTheirWay: ticks.onTheirWay,
    overdueMs: looks.overdueMs,
    stop: looks.stop,
  };
}

/** Who waits for what is found out anew where another version of a type has said it. */
function startRenewing(parts: TickingParts, types: readonly ActorType[], stir: (lane: Lane) => void): DueRenewal {
  const { store, path, streams, own, logger } = parts;
  return startDueRenewal({
    ...{ types, versions: store.dueVersions, journal: store.journal, actors: path.actors, clock: SYSTEM_CLOCK },
    laneOf: streams.lanes.ofActor,
    onRenewed({ name, version }, changed) {
      if (changed > 0)
        logger.info({ type: name, version, changed }, "until when actors wait is told by the new version");
      for (const lane of own.taken()) stir(lane);
    },
    onTrouble: (error) => logger.warn({ err: error }, "not found out until when actors wait, trying again"),
  });
}

/** By lane, when the last of its messages was stored. */
function lastStored(handled: BatchResult["handled"], of: ReadonlySet<ActorType>): Map<Lane, number> {
  const last = new Map<Lane, number>();
  for (const { delivery } of handled) if (of.has(delivery.lane.type)) last.set(delivery.lane, delivery.storedAtMs);
  return last;
}
