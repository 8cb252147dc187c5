import {
  DeliverPolicy,
  JetStreamApiCodes,
  type JetStreamClient,
  type JetStreamManager,
  type MsgRequest,
  type StoredMsg,
} from "@nats-io/jetstream";
import { apiErrorCode } from "./connect.ts";
import { readHeaders } from "./message-headers.ts";
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
  readonly headerBytes?: number;
  readonly storedAtMs: number;
}

/** A batch is handed over when it has so many, or 1000 messages. */
const BATCH_BYTES = 8_388_608;
const SILENCE_MS = 5000;
/** Messages the leader is asked for, one by one, before a replica is tried again. */
const LEADER_TURN = 500;

/**
 * Reads a stream from `fromSequence` to what is its end when the call is made, or to `toSequence` when that is lower.
 *
 * In bulk as far as the replica goes on which the server places the reading; one that is catching up says that nothing
 * is pending. What it does not have comes from the leader, and only the leader says that there is no more.
 *
 * @param onBatch - given up to 1000 messages at a time, in order.
 * @returns the last sequence of the stream at that moment. Rejects when JetStream does not answer.
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
  // Where nothing was deleted, a replica that leaves out a sequence lacks it.
  const isGapless = !state.num_deleted;
  let next = Math.max(fromSequence, state.first_seq);
  let batch: StreamMessage[] = [];
  let bytes = 0;
  const flush = () => {
    if (batch.length > 0) onBatch(batch);
    batch = [];
    bytes = 0;
  };
  const take = (message: StreamMessage) => {
    // A replica whose end is below where the reading starts gives what comes after that end.
    if (message.sequence < next) return true;
    next = message.sequence + 1;
    if (message.sequence <= end) batch.push(message);
    bytes += message.data.length + (message.headerBytes ?? 0);
    if (batch.length >= 1000 || bytes >= BATCH_BYTES) flush();
    return next <= end;
  };
  for (let turn = LEADER_TURN; next <= end; turn *= 2) {
    await takeFromReplica(js, stream, next, (message) =>
      isGapless && message.sequence > next ? false : take(message),
    );
    if (next > end) break;
    const before = next;
    await takeFromLeader(messagesOn(jsm, stream, ">", next), turn, take);
    if (next === before) break;
  }
  flush();
  return end;
}

/** Told a message; false when no more are wanted. */
type Take = (message: StreamMessage) => boolean;

/** Takes what a replica has; ends when it says that this is all, or when nothing has come for {@link SILENCE_MS}. */
async function takeFromReplica(js: JetStreamClient, stream: string, from: number, take: Take): Promise<void> {
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  const consumer = await js.consumers.get(stream, start);
  if ((await consumer.info(true)).num_pending === 0) return;
  const messages = await consumer.consume({ max_messages: 1000, expires: 5000, idle_heartbeat: 1000 });
  // What the server sent into a connection that was lost then does not come again by itself.
  const silence = setTimeout(() => void messages.close(), SILENCE_MS);
  try {
    for await (const { info, subject, data, headers } of messages) {
      silence.refresh();
      const storedAtMs = storedAtNanos(info.timestampNanos);
      const isWanted = take({ sequence: info.streamSequence, subject, data, ...readHeaders(headers), storedAtMs });
      if (!isWanted || info.pending === 0) break;
    }
  } finally {
    clearTimeout(silence);
    await messages.close();
  }
}

async function takeFromLeader(messages: AsyncIterable<StreamMessage>, turn: number, take: Take): Promise<void> {
  let left = turn;
  for await (const message of messages) if (!take(message) || --left === 0) return;
}

/**
 * Every message of a stream on one subject, wildcards allowed, from a sequence on, in order, one request each. Reads from
 * the leader, so it is up to date.
 */
export async function* messagesOn(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  from = 1,
): AsyncGenerator<StreamMessage> {
  for (let next = from; ; ) {
    const message = await nextOnLeader(jsm, stream, subject, next);
    if (message === null) return;
    yield {
      sequence: message.seq,
      subject: message.subject,
      data: message.data,
      ...readHeaders(message.header),
      storedAtMs: storedAtText(message.timestamp),
    };
    next = message.seq + 1;
  }
}

/** The first message at or above a sequence on one subject, wildcards allowed; null: the leader says there is none. */
export async function nextOnLeader(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  from: number,
): Promise<StoredMsg | null> {
  // The server takes both fields together here too; the client's type names them for direct gets only.
  const query = { seq: from, next_by_subj: subject } as MsgRequest;
  return jsm.streams.getMessage(stream, query).catch((error: unknown) => {
    if (apiErrorCode(error) === JetStreamApiCodes.NoMessageFound) return null;
    throw error;
  });
}
