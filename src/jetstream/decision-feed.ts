import { DeliverPolicy, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../../machines/actor-type.ts";
import { NatsSetupError } from "./connect.ts";
import { DECISIONS_STREAM, decisionSubject } from "./names.ts";

/** One decision as it was published. */
export interface PublishedMessage {
  readonly actorId: string;
  /** In DECISIONS. */
  readonly sequence: number;
  /** When it was published, RFC 3339 in UTC. */
  readonly publishedAt: string;
  /** JSON. */
  readonly payload: string;
}

/**
 * Follows a type's decisions, from now or from a moment before, until `signal` aborts. Leaves nothing behind in NATS;
 * a lost connection is taken up where it broke off.
 *
 * @throws NatsSetupError when there is no DECISIONS, or when it is deleted meanwhile.
 */
export async function* followDecisions(
  js: JetStreamClient,
  jsm: JetStreamManager,
  type: ActorType,
  { sinceMs, signal }: { readonly sinceMs?: number | undefined; readonly signal: AbortSignal },
): AsyncGenerator<PublishedMessage> {
  const { state } = await jsm.streams.info(DECISIONS_STREAM);
  const start =
    sinceMs === undefined
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: state.last_seq + 1 }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(Date.now() - sinceMs).toISOString() };
  const consumer = await js.consumers.get(DECISIONS_STREAM, { ...start, filter_subjects: decisionSubject(type, "*") });
  const messages = await consumer.consume({ max_messages: 500, expires: 5000, idle_heartbeat: 1000 });
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  void (async () => {
    for await (const { type: what } of messages.status()) {
      if (what === "stream_not_found") {
        messages.stop(new NatsSetupError(`the stream ${DECISIONS_STREAM} was deleted`));
      }
    }
  })();
  try {
    if (signal.aborted) return;
    for await (const message of messages) {
      yield {
        actorId: message.subject.slice(message.subject.lastIndexOf(".") + 1),
        sequence: message.seq,
        publishedAt: new Date(message.time).toISOString(),
        payload: message.string(),
      };
    }
  } finally {
    signal.removeEventListener("abort", stop);
    messages.stop();
    await consumer.delete().catch(() => {});
  }
}
