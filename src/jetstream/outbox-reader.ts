import {
  DeliverPolicy,
  JetStreamApiCodes,
  type JetStreamClient,
  type JetStreamManager,
  type MsgRequest,
} from "@nats-io/jetstream";
import type { PublishedDecision } from "../flow/ports.ts";
import { apiErrorCode } from "./connect.ts";
import { readHeaders } from "./message-headers.ts";
import { DECISIONS_STREAM } from "./names.ts";
import { storedAtNanos, storedAtText } from "./stored-at.ts";

/** One message of an outbox stream. */
export interface StreamMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  header(name: string): string | undefined;
  /** All headers, name and value. */
  headers(): ReadonlyArray<readonly [string, string]>;
  /** As a delivery's. */
  readonly headerCount?: number;
  readonly storedAtMs: number;
}

const SILENCE_MS = 10_000;

/**
 * Reads a stream from `fromSequence` to what is its end when the call is made, or to `toSequence` when that is lower.
 *
 * @param onBatch - given up to 1000 messages at a time, in order.
 * @returns the last sequence of the stream at that moment. Rejects when nothing has come for 10 s: what the server sent
 *   into a connection that was lost then does not come again by itself.
 */
export async function readStream(
  jsm: JetStreamManager,
  js: JetStreamClient,
  stream: string,
  fromSequence: number,
  onBatch: (messages: StreamMessage[]) => void,
  toSequence = Number.POSITIVE_INFINITY,
): Promise<number> {
  const { state } = await jsm.streams.info(stream);
  const end = Math.min(state.last_seq, toSequence);
  if (fromSequence > end || state.messages === 0) return end;
  const consumer = await js.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(fromSequence, 1),
  });
  // What is left may have been purged by its subject: then nothing ever comes to say so.
  if ((await consumer.info(true)).num_pending === 0) return end;
  let batch: StreamMessage[] = [];
  const messages = await consumer.consume({ max_messages: 1000, expires: 5000, idle_heartbeat: 1000 });
  let isDone = false;
  // It keeps nothing alive when `onBatch` throws.
  const silence = setTimeout(() => void messages.close(), SILENCE_MS).unref();
  for await (const message of messages) {
    silence.refresh();
    const { info } = message;
    if (info.streamSequence <= end) {
      batch.push({
        sequence: info.streamSequence,
        subject: message.subject,
        data: message.data,
        ...readHeaders(message.headers),
        storedAtMs: storedAtNanos(info.timestampNanos),
      });
    }
    const isLast = info.streamSequence >= end || info.pending === 0;
    if (isLast || batch.length >= 1000) {
      onBatch(batch);
      batch = [];
    }
    isDone = isLast;
    if (isLast) break;
  }
  clearTimeout(silence);
  await messages.close();
  if (!isDone) throw new Error(`stream ${stream} could not be read to its end: nothing came for ${SILENCE_MS} ms`);
  return end;
}

/** Every decision the stream holds on one subject, by revision. Reads from the leader, so it is up to date. */
export async function decisionsOn(jsm: JetStreamManager, subject: string): Promise<PublishedDecision[]> {
  const found: PublishedDecision[] = [];
  for await (const { header, data, sequence } of messagesOn(jsm, DECISIONS_STREAM, subject)) {
    const payload = Buffer.from(data).toString("utf8");
    const said = Number(header("Natstate-Revision"));
    // A writer that does not say takes the place after the one before: its message is there and must be superseded.
    const revision = Number.isSafeInteger(said) && said > 0 ? said : (found.at(-1)?.revision ?? 0) + 1;
    found.push({ revision, payload, sequence });
  }
  return found;
}

/**
 * Every message of a stream on one subject, wildcards allowed, in order, one request each. Reads from the leader, so it
 * is up to date.
 */
export async function* messagesOn(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
): AsyncGenerator<StreamMessage> {
  let from = 1;
  for (;;) {
    // The server takes both fields together here too; the client's type names them for direct gets only.
    const query = { seq: from, next_by_subj: subject } as MsgRequest;
    const message = await jsm.streams.getMessage(stream, query).catch((error: unknown) => {
      if (apiErrorCode(error) === JetStreamApiCodes.NoMessageFound) return null;
      throw error;
    });
    if (message === null) return;
    yield {
      sequence: message.seq,
      subject: message.subject,
      data: message.data,
      ...readHeaders(message.header),
      storedAtMs: storedAtText(message.timestamp),
    };
    from = message.seq + 1;
  }
}
