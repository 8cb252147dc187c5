import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import { headers, type MsgHdrs, errors as natsErrors } from "@nats-io/transport-node";
import type { ActorType, TrafficMessage } from "../actor/actor-type.ts";
import { maskUrl } from "../config/values.ts";
import { eventStream } from "../wire/names.ts";
import { type NatsOptions, NatsSetupError } from "./connect.ts";
import { openSession } from "./session.ts";

/** A service that publishes events, on a connection of its own. */
export type EventPublisher = Awaited<ReturnType<typeof openEventPublisher>>;

export interface StoredEvent {
  readonly sequence: number;
  /** How often it was sent; copies before the last may be in the stream as well. */
  readonly attempts: number;
}

/** The stream does not take a message, or nothing answers any more. */
export class PublishError extends Error {
  override readonly name = "PublishError";
}

const TIMEOUT_MS = 5000;
const RETRY_MS = 500;
const MAX_ATTEMPTS = 11;

/**
 * Connects a publisher of a type's events.
 *
 * Messages carry no `Nats-Msg-Id`: the stream would drop duplicates itself for two minutes, and nobody would see how
 * the actors bear them.
 *
 * @throws NatsSetupError when nothing answers; its `publish` does when the type's stream is not there.
 */
export async function openEventPublisher(type: ActorType, nats: NatsOptions) {
  const stream = eventStream(type);
  const session = await openSession(nats, () => {});
  // Whether there is a stream is seen by publishing: a publisher needs no permission to ask about it.
  let isThere = false;
  return {
    close: session.close,
    /**
     * Resolves when the stream has stored the message. Without an answer it is sent again: an event heard twice has one
     * effect.
     *
     * @throws PublishError when the stream refuses the message, or after a minute without an answer.
     */
    async publish(message: TrafficMessage): Promise<StoredEvent> {
      const header = message.headers === undefined ? {} : { headers: toHeaders(message.headers) };
      for (let attempts = 1; ; attempts++) {
        try {
          const { seq } = await session.js.publish(message.subject, message.body, {
            ...header,
            timeout: TIMEOUT_MS,
            expect: { streamName: stream },
          });
          isThere = true;
          return { sequence: seq, attempts };
        } catch (error) {
          const { name, message: why } = error as Error;
          if (!isThere && name === "JetStreamNotEnabled") {
            const problem = `there is no stream ${stream} at ${maskUrl(nats.url)}: is natstate running there?`;
            throw new NatsSetupError(problem, { cause: error });
          }
          const isFinal = error instanceof JetStreamApiError || error instanceof natsErrors.PermissionViolationError;
          if (isFinal || attempts === MAX_ATTEMPTS) {
            throw new PublishError(`${message.subject} was not stored: ${why}`, { cause: error });
          }
          await delay(RETRY_MS);
        }
      }
    },
  };
}

function toHeaders(given: Readonly<Record<string, string>>): MsgHdrs {
  const header = headers();
  for (const [name, value] of Object.entries(given)) header.set(name, value);
  return header;
}
