import type { Consumer, JetStreamClient } from "@nats-io/jetstream";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import type { EventContract } from "./contract.ts";

/** What of a JetStream client opens a consumer. */
export type DurableJetStream = Pick<JetStreamClient, "consumers" | "jetstreamManager">;

export interface Durable {
  readonly consumer: Consumer;
  /** How long the server waits for an acknowledgement before it delivers again. */
  readonly ackWaitMs: number;
}

/** Of a consumer, in NATS' own numbering. */
const CONSUMER_NOT_FOUND = 10_014;
const NANOS_PER_MS = 1_000_000;

/**
 * Opens the durable consumer of an actor type's decisions; makes it, from the first decision on, when there is none. One
 * that exists is used as it is, with its own start, `ack_wait` and `max_ack_pending`.
 *
 * @throws Error when it is no pull consumer of these decisions that waits for acknowledgements, or JetStream does not answer.
 */
export async function openDurable(js: DurableJetStream, actor: EventContract, name: string): Promise<Durable> {
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
