import { headers } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Tick } from "../flow/ticks.ts";
import { eventStream, eventSubject } from "../wire/names.ts";
import { encodeTick, tickSubject } from "../wire/tick.ts";
import { permissionError } from "./permission.ts";
import type { StreamPublisher } from "./pub-acks.ts";

interface Trouble {
  readonly type: ActorType;
  readonly error: Error;
  readonly sinceMs: number;
  /** When one was sent last. */
  triedMs: number;
}

/** A type whose ticks are refused: one is tried so often. */
const REFUSED_TRY_MS = 10_000;
/** A change of the stream's leader, or a restart of the server, takes less. */
const TROUBLED_MS = 10_000;

/**
 * Publishes ticks, each once: one that does not get in is offered again by whoever offers them.
 *
 * @param onPublished - the stream has it.
 */
export function createTickPublisher(
  streams: Pick<StreamPublisher, "publish">,
  onPublished: (type: ActorType) => void,
  clock: Pick<Clock, "now"> = SYSTEM_CLOCK,
) {
  const troubles = new Map<ActorType, Trouble>();

  async function send({ lane, actorId, due }: Tick): Promise<void> {
    const { type } = lane;
    // Without Nats-Msg-Id: the stream would drop what is offered again for two minutes, also when the first is gone.
    const header = headers();
    header.set("Nats-Expected-Stream", eventStream(type));
    try {
      await streams.publish({ subject: tickSubject(type, actorId), body: encodeTick(type, actorId, due), header });
      troubles.delete(type);
      onPublished(type);
    } catch (error) {
      const { sinceMs, triedMs } = troubles.get(type) ?? { sinceMs: clock.now(), triedMs: clock.now() };
      troubles.set(type, { type, error: error as Error, sinceMs, triedMs });
    }
  }

  /** The server writes a line into its log for each one it refuses. */
  function mayTry(type: ActorType): boolean {
    const trouble = troubles.get(type);
    if (trouble === undefined || permissionError(trouble.error) === undefined) return true;
    if (clock.now() - trouble.triedMs < REFUSED_TRY_MS) return false;
    trouble.triedMs = clock.now();
    return true;
  }

  return {
    /** Neither waits nor throws. */
    publish: (tick: Tick) => void (mayTry(tick.lane.type) && send(tick)),
    /** Why no tick of a type gets in, a line each, with what to do. */
    troubles: () =>
      [...troubles.values()].flatMap(({ type, error, sinceMs }) => {
        if (permissionError(error) !== undefined) return [refusedTicks(type)];
        if (clock.now() - sinceMs < TROUBLED_MS) return [];
        return [
          `no tick of ${type.collection} gets in, so their delays do not end (${error.message}); they are tried again`,
        ];
      }),
  };
}

/** What an administrator reads who has not given the permission. */
export function refusedTicks(type: Pick<ActorType, "collection">): string {
  const subject = eventSubject(type, "*", TIME_PASSED);
  return `NATS does not let this user publish ${subject}, so delays of ${type.collection} do not end: add "${subject}" to what the processor may publish (docs/nats-secure.conf)`;
}
