import type { JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { checkEvent } from "../flow/check-event.ts";
import { eventStream, eventSubject } from "../wire/names.ts";
import type { RejectionReason } from "../wire/rejection.ts";
import type { EventContract, EventOf } from "./contract.ts";

/** How one event is published. */
export interface PublishEventOptions {
  /** W3C Trace Context of what caused the event; natstate's spans and its decisions carry on from it. */
  readonly traceparent?: string;
  /** Of the event's bytes, at most; larger ones are refused. 64 KiB, which is what natstate reads by default. */
  readonly maxBytes?: number;
  /** False: send it even if natstate is certain to dead-letter it. */
  readonly validate?: boolean;
  /** For the stream's answer; 5000 by default. */
  readonly timeoutMs?: number;
}

/** An event that is stored. */
export interface PublishedEvent {
  /** Its identity: given, or made. */
  readonly eventId: string;
  readonly subject: string;
  /** In the type's stream. */
  readonly sequence: number;
}

/** An event that natstate would dead-letter; nothing was sent. */
export class InvalidEventError extends Error {
  override readonly name = "InvalidEventError";
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Nobody said that the event was stored; it may be. Publish `event` again, as it is here: it has its id and its time now,
 * so that both copies together have one effect.
 */
export class EventNotConfirmedError<Actor extends EventContract = EventContract> extends Error {
  override readonly name = "EventNotConfirmedError";
  readonly event: EventOf<Actor>;

  constructor(event: EventOf<Actor>, cause: Error) {
    super(`${String(event.eventType)} was not confirmed by the stream: ${cause.message}`, { cause });
    this.event = event;
  }
}

/**
 * Publishes one event with an identity and a time of its own, once it is sure that natstate can read it.
 *
 * @param js - of a connection of yours; `jetstream(nc)` of `@nats-io/jetstream`.
 * @param actor - what `defineActor` or `defineContract` gives.
 * @returns when the stream has stored it.
 * @throws InvalidEventError with the reason it would be dead-lettered for; nothing was sent.
 * @throws EventNotConfirmedError when the stream did not answer or refused.
 */
export async function publishEvent<Actor extends EventContract>(
  js: Pick<JetStreamClient, "publish">,
  actor: Actor,
  event: EventOf<NoInfer<Actor>>,
  options: PublishEventOptions = {},
): Promise<PublishedEvent> {
  const { traceparent, maxBytes = 65_536, validate = true, timeoutMs = 5000 } = options;
  const complete = { ...event, eventId: event.eventId ?? crypto.randomUUID(), timestamp: toText(event.timestamp) };
  const body = Buffer.from(JSON.stringify(complete));
  const fields = complete as Readonly<Record<string, unknown>>;
  const subject = eventSubject(actor, String(fields[actor.idField]), String(fields.eventType));
  const refused = validate ? checkEvent(actor, { subject, body }, maxBytes) : undefined;
  if (refused !== undefined) throw new InvalidEventError(refused.reason, refused.error);
  const header = headers();
  if (traceparent !== undefined) header.set("traceparent", traceparent);
  try {
    const { seq } = await js.publish(subject, body, {
      headers: header,
      timeout: timeoutMs,
      expect: { streamName: eventStream(actor) },
    });
    return { eventId: complete.eventId, subject, sequence: seq };
  } catch (error) {
    throw new EventNotConfirmedError<Actor>(complete as EventOf<Actor>, error as Error);
  }
}

/** What is no time stays what it is, to be refused as the daemon would. */
function toText(timestamp: string | Date | undefined): string {
  return timestamp === undefined ? new Date().toISOString() : (JSON.parse(JSON.stringify(timestamp)) as string);
}
