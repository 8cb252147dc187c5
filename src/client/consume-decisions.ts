import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import type { DecisionOf, EventContract } from "./contract.ts";
import { decisionsOf } from "./decisions-of.ts";

/** How an actor type's decisions are consumed. */
export interface ConsumeDecisionsOptions<Actor extends EventContract> {
  /** Name of the durable consumer, which is made when there is none. Who shares it shares the work. */
  readonly durable: string;
  /**
   * Does what a decision asks for. The decision is acknowledged once this has resolved; when it throws, the decision comes
   * again, later each time. It also comes again when the process ends in between: a decision is handed over at least once.
   *
   * @param delivery - `attempt` counts from 1.
   */
  handler(decision: DecisionOf<Actor>, delivery: { readonly attempt: number }): Promise<void> | void;
  /**
   * The revision of an actor that has been dealt with, from where your program keeps it; null or undefined for none. Only
   * higher ones are handed over. Absent: all are, whatever came before.
   */
  standing?(id: string): Promise<number | null | undefined> | number | null | undefined;
  /** How many are in hand at a time, of different actors; 8 by default. */
  readonly concurrency?: number;
  /** How long a decision waits for its next attempt, in ms. By default 1 s, doubled each time up to 5 minutes. */
  retryDelayMs?(attempt: number): number;
  /** Told of each attempt that failed, and when the consumer cannot be read; `console.error` by default. */
  onError?(error: unknown, decision?: DecisionOf<Actor>): void;
}

/** A consumer at work. */
export interface DecisionConsumer {
  /** Takes no more, and resolves when all that is in hand has been handled and acknowledged. The connection stays open. */
  stop(): Promise<void>;
}

/** What of a JetStream client opens a consumer. */
type DurableJetStream = Pick<JetStreamClient, "consumers" | "jetstreamManager">;

/** A consumer, and how long the server waits for an acknowledgement before it delivers again. */
interface Durable {
  readonly consumer: Consumer;
  readonly ackWaitMs: number;
}

/** Of a consumer, in NATS' own numbering. */
const CONSUMER_NOT_FOUND = 10_014;
const NANOS_PER_MS = 1_000_000;
const PULL_MS = 30_000;
const REOPEN_MS = 1000;
const RETRY_MS = 1000;
const MAX_RETRY_MS = 5 * 60_000;

/**
 * Hands over an actor type's decisions, each until its handler has resolved. One actor's are handed over one after another
 * within a process; across processes, and when an attempt has failed, an older revision may come after a newer one, which
 * `standing` keeps from the handler.
 *
 * @param js - of a connection of yours; `jetstream(nc)` of `@nats-io/jetstream`.
 * @param actor - what `defineActor` or `defineContract` gives.
 * @returns when the consumer is there.
 * @throws Error when it is not to be had.
 */
export async function consumeDecisions<Actor extends EventContract>(
  js: DurableJetStream,
  actor: Actor,
  options: ConsumeDecisionsOptions<NoInfer<Actor>>,
): Promise<DecisionConsumer> {
  const { concurrency = 8, onError = console.error } = options;
  const hand = createHand(actor, { ...options, onError });
  const stopping = new AbortController();
  const pulls = new Set<ConsumerMessages>();
  let durable = await openDurable(js, actor, options.durable);
  let reopening: Promise<void> | undefined;

  /** Pulls one at a time, so that what is not in hand is anybody's. */
  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await pull(durable);
      } catch (error) {
        reopening ??= reopen(error).finally(() => {
          reopening = undefined;
        });
        await reopening;
      }
    }
  }

  async function pull({ consumer, ackWaitMs }: Durable): Promise<void> {
    const messages = await consumer.fetch({ max_messages: 1, expires: PULL_MS });
    pulls.add(messages);
    try {
      if (stopping.signal.aborted) void messages.close();
      for await (const message of messages) await hand(message, ackWaitMs);
    } finally {
      pulls.delete(messages);
    }
  }

  /** However long it takes, but not on a connection that is closed. */
  async function reopen(reason: unknown): Promise<void> {
    for (let error = reason; !stopping.signal.aborted; ) {
      onError(error);
      if ((error as Error).name === "ClosedConnectionError") return stopping.abort();
      await sleep(REOPEN_MS, undefined, { signal: stopping.signal }).catch(() => {});
      try {
        durable = await openDurable(js, actor, options.durable);
        return;
      } catch (again) {
        error = again;
      }
    }
  }

  const working = Promise.all(Array.from({ length: concurrency }, work));
  return {
    async stop() {
      stopping.abort();
      for (const messages of pulls) void messages.close();
      await working;
    },
  };
}

/** @returns what takes a message in hand: handles it in its actor's turn, and says to the stream how that went. */
function createHand<Actor extends EventContract>(
  actor: Actor,
  options: ConsumeDecisionsOptions<Actor> & Required<Pick<ConsumeDecisionsOptions<Actor>, "onError">>,
): (message: JsMsg, ackWaitMs: number) => Promise<void> {
  const { handler, standing = () => 0, retryDelayMs = doubled, onError } = options;
  const { read } = decisionsOf(actor);
  /** The last message in hand, by subject, which is by actor. */
  const turns = new Map<string, Promise<void>>();

  async function handle(message: JsMsg): Promise<void> {
    const attempt = message.info.deliveryCount;
    let decision: DecisionOf<Actor> | undefined;
    try {
      decision = read(message.data);
      const id = message.subject.split(".").at(-1) as string;
      if (decision.revision > ((await standing(id)) ?? 0)) await handler(decision, { attempt });
      await message.ackAck();
    } catch (error) {
      message.nak(retryDelayMs(attempt));
      onError(error, decision);
    }
  }

  return async (message, ackWaitMs) => {
    const { subject } = message;
    const stillInHand = setInterval(() => message.working(), ackWaitMs / 3);
    const take = () => handle(message);
    // One whose `onError` or `retryDelayMs` threw is over as well.
    const turn = (turns.get(subject) ?? Promise.resolve()).then(take, take);
    turns.set(subject, turn);
    await turn.finally(() => {
      clearInterval(stillInHand);
      if (turns.get(subject) === turn) turns.delete(subject);
    });
  };
}

function doubled(attempt: number): number {
  return Math.min(RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS);
}

/**
 * Opens the durable consumer of an actor type's decisions; makes it, from the first decision on, when there is none. One
 * that exists is used as it is, with its own start, `ack_wait` and `max_ack_pending`.
 *
 * @throws Error when it is no pull consumer of these decisions that waits for acknowledgements, or JetStream does not answer.
 */
async function openDurable(js: DurableJetStream, actor: EventContract, name: string): Promise<Durable> {
  const filter = decisionSubject(actor, "*");
  const open = () => js.consumers.get(DECISIONS_STREAM, name);
  const consumer = await open().catch(async (error: Error & { code?: unknown }) => {
    if (error.code !== CONSUMER_NOT_FOUND) throw error;
    const jsm = await js.jetstreamManager(false);
    await jsm.consumers.add(DECISIONS_STREAM, {
      durable_name: name,
      filter_subject: filter,
      ack_policy: "explicit",
      deliver_policy: "all",
      max_deliver: -1,
    });
    return open();
  });
  const { config } = await consumer.info(true);
  const filters = config.filter_subjects ?? [config.filter_subject];
  if (filters.length !== 1 || filters[0] !== filter) {
    throw new Error(`consumer ${name} hears ${filters.join(", ")}, not ${filter}: choose another name`);
  }
  if (config.ack_policy !== "explicit" || config.deliver_subject !== undefined) {
    throw new Error(`consumer ${name} is not pulled from with explicit acknowledgements: choose another name`);
  }
  return { consumer, ackWaitMs: Number(config.ack_wait) / NANOS_PER_MS };
}
