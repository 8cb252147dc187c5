import { setTimeout as delay } from "node:timers/promises";
import type { ActorType, TrafficMessage } from "../actor/actor-type.ts";
import type { NatsAccess } from "../jetstream/access.ts";
import { type EventPublisher, openEventPublisher } from "../jetstream/event-publisher.ts";
import { eventTypeOf } from "../wire/names.ts";

export interface PublishOptions {
  readonly type: ActorType;
  readonly messages: readonly TrafficMessage[];
  readonly natsUrl: string;
  readonly access?: NatsAccess;
  /** Messages on their way at once, over all services; 256 when absent. */
  readonly maxInFlight?: number;
  /** Messages a second; 0 or absent: as fast as they are stored. */
  readonly rate?: number;
  /** This actor's messages are stored in exactly the order given; all others may overtake each other. */
  readonly inOrder?: string;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each message when it is stored, with its stream sequence. */
  readonly onStored?: (message: TrafficMessage, sequence: number) => void;
}

export interface Published {
  /** Messages stored; fewer than given when it was ended early. */
  readonly published: number;
  /** Messages sent more than once because the answer did not come in time; they may be stored more than once. */
  readonly resent: number;
  readonly seconds: number;
  /** When the first was sent, on the clock of `performance.now()`. */
  readonly startedMs: number;
}

/**
 * Publishes traffic as independent services would: one publisher for each event type, on its own connection, each in
 * the traffic's order, all at once, so that the stream sees a different order every time.
 *
 * @throws NatsSetupError when the type's stream is not there; PublishError when it does not take a message.
 */
export async function publishTraffic(options: PublishOptions): Promise<Published> {
  const { type, messages, rate = 0, inOrder, onStored = () => {} } = options;
  await using stack = new AsyncDisposableStack();
  const services = await openServices(options, stack);
  const [anyService] = services.values();
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const startedMs = performance.now();
  const queue = messages.entries();
  let published = 0;
  let resent = 0;
  let told = Promise.resolve();

  /** One of as many workers as messages may be in flight; they share the queue, so that it is sent in its order. */
  async function work(): Promise<void> {
    for (const [index, message] of queue) {
      if (rate > 0) await sleep(startedMs + (index * 1000) / rate - performance.now(), signal);
      if (signal.aborted) return;
      const isTold = inOrder !== undefined && message.subject.startsWith(`${type.collection}.${inOrder}.`);
      if (!isTold) {
        await publish(message);
        continue;
      }
      told = told.then(() => publish(message));
      await told;
    }
  }

  async function publish(message: TrafficMessage): Promise<void> {
    const service = services.get(eventTypeOf(message.subject)) ?? anyService;
    if (service === undefined) throw new Error(`${type.name} has no event types to publish`);
    const { sequence, attempts } = await service.publish(message);
    published++;
    if (attempts > 1) resent++;
    onStored(message, sequence);
  }

  try {
    await Promise.all(Array.from({ length: options.maxInFlight ?? 256 }, work));
    return { published, resent, seconds: (performance.now() - startedMs) / 1000, startedMs };
  } catch (error) {
    failed.abort();
    throw error;
  }
}

/** One publisher for each event type the actor type knows; what is of no type comes from the first of them. */
async function openServices(
  { type, natsUrl, access }: PublishOptions,
  stack: AsyncDisposableStack,
): Promise<Map<string, EventPublisher>> {
  const services = new Map<string, EventPublisher>();
  for (const eventType of Object.keys(type.events)) {
    const service = await openEventPublisher(type, { url: natsUrl, ...access, name: `natstate traffic, ${eventType}` });
    stack.defer(() => service.close());
    services.set(eventType, service);
  }
  return services;
}

/** Timers are whole milliseconds: shorter waits would only slow the traffic down. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms >= 1) await delay(ms, undefined, { signal }).catch(() => {});
}
