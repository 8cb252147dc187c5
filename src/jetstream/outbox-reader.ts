import {
  DeliverPolicy,
  JetStreamApiCodes,
  type JetStreamClient,
  type JetStreamManager,
  type MsgRequest,
} from "@nats-io/jetstream";
import type { PublishedDecision } from "../flow/ports.ts";
import { apiErrorCode } from "./connect.ts";
import { DECISIONS_STREAM } from "./names.ts";

/** One message of an outbox stream. */
export interface StreamMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  header(name: string): string | undefined;
  readonly storedAtMs: number;
}

/**
 * Reads a stream from `fromSequence` to what is its end when the call is made.
 *
 * @param onBatch - given up to 1000 messages at a time, in order.
 * @returns the last sequence of the stream at that moment.
 */
export async function readStream(
  jsm: JetStreamManager,
  js: JetStreamClient,
  stream: string,
  fromSequence: number,
  onBatch: (messages: StreamMessage[]) => void,
): Promise<number> {
  const { state } = await jsm.streams.info(stream);
  const end = state.last_seq;
  if (fromSequence > end || state.messages === 0) return end;
  const consumer = await js.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(fromSequence, 1),
  });
  let batch: StreamMessage[] = [];
  const messages = await consumer.consume({ max_messages: 1000, expires: 5000, idle_heartbeat: 1000 });
  for await (const message of messages) {
    const { info } = message;
    batch.push({
      sequence: info.streamSequence,
      subject: message.subject,
      data: message.data,
      header: (name) => (message.headers?.has(name) ? message.headers.get(name) : undefined),
      storedAtMs: Math.floor(info.timestampNanos / 1_000_000),
    });
    const isLast = info.streamSequence >= end || info.pending === 0;
    if (isLast || batch.length >= 1000) {
      onBatch(batch);
      batch = [];
    }
    if (isLast) break;
  }
  await messages.close();
  return end;
}

/** Every decision the stream holds on one subject, by revision. Reads from the leader, so it is up to date. */
export async function decisionsOn(jsm: JetStreamManager, subject: string): Promise<PublishedDecision[]> {
  const found: PublishedDecision[] = [];
  let from = 1;
  for (;;) {
    try {
      // The server takes both fields together here too; the client's type names them for direct gets only.
      const query = { seq: from, next_by_subj: subject } as MsgRequest;
      const message = await jsm.streams.getMessage(DECISIONS_STREAM, query);
      if (message === null) return found;
      found.push({
        revision: Number(message.header.get("Natstate-Revision")),
        payload: message.string(),
        sequence: message.seq,
      });
      from = message.seq + 1;
    } catch (error) {
      if (apiErrorCode(error) === JetStreamApiCodes.NoMessageFound) return found;
      throw error;
    }
  }
}
