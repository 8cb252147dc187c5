import { type ConsumerMessages, DeliverPolicy, type JetStreamClient } from "@nats-io/jetstream";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { messagesOn } from "./leader-reader.ts";
import type { Session } from "./session.ts";
import { fromConsumer } from "./stored-message.ts";

/** What reading whole streams needs of NATS. */
export type Log = Pick<Session, "js" | "jsm">;

/** Which part of a stream: from its first message and to its last where absent. */
export interface StreamRange {
  readonly from?: number;
  readonly to?: number;
}

/** A batch has at most so many messages, and ends when it has so many bytes. */
const BATCH_MESSAGES = 1000;
const BATCH_BYTES = 8_388_608;
/** A replica that says nothing for so long may be cut off, as whoever placed the reading there: the leader goes on. */
const SILENCE_MS = 1500;
/** So few are asked of the leader one by one: a reading on a replica has to be placed by the cluster's own leader first. */
const FEW = 50;
/** Messages the leader is asked for, one by one, before a replica is tried again; each time twice as many. */
const LEADER_TURN = 500;

/**
 * Reads a stream in bulk, in order, to what is its end when the reading begins. Who may create no consumer reads by
 * `readDirect`.
 *
 * @returns up to 1000 messages at a time. Rejects when JetStream does not answer.
 */
export async function* readStream(
  log: Log,
  stream: string,
  range: StreamRange = {},
): AsyncGenerator<readonly StoredMessage[]> {
  let batch: StoredMessage[] = [];
  let bytes = 0;
  for await (const message of messagesIn(log, stream, range)) {
    batch.push(message);
    bytes += message.body.length + (message.headerBytes ?? 0);
    if (batch.length < BATCH_MESSAGES && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/**
 * As far as the replica goes on which the server places the reading; one that is catching up says that nothing is
 * pending. What it does not have comes from the leader, and only the leader says that there is no more.
 */
async function* messagesIn(
  { js, jsm }: Log,
  stream: string,
  { from = 1, to = Number.POSITIVE_INFINITY }: StreamRange,
): AsyncGenerator<StoredMessage> {
  const { config, state } = await jsm.streams.info(stream);
  const end = state.messages === 0 ? 0 : Math.min(state.last_seq, to);
  // Where nothing was deleted, a replica that leaves out a sequence lacks it.
  const isGapless = !state.num_deleted;
  let next = Math.max(from, state.first_seq);
  for (let turn = LEADER_TURN; next <= end; turn *= 2) {
    const isReplicaWorthIt = config.num_replicas === 1 || end - next >= FEW;
    for await (const message of isReplicaWorthIt ? messagesOfReplica(js, stream, next) : []) {
      if (isGapless && message.sequence > next) break;
      // A replica whose end is below where the reading starts gives what comes after that end.
      if (message.sequence < next) continue;
      next = message.sequence + 1;
      if (message.sequence <= end) yield message;
      if (next > end) return;
    }
    let left = turn;
    for await (const message of messagesOn(jsm, stream, ">", next)) {
      next = message.sequence + 1;
      if (message.sequence <= end) yield message;
      if (next > end) return;
      if (--left === 0) break;
    }
    if (left > 0) return;
  }
}

/** @returns undefined when the replica says that there is nothing. */
async function openOnReplica(js: JetStreamClient, stream: string, from: number): Promise<ConsumerMessages | undefined> {
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  const consumer = await js.consumers.get(stream, start);
  if ((await consumer.info(true)).num_pending === 0) return undefined;
  return consumer.consume({ max_messages: 1000, expires: 5000, idle_heartbeat: 1000 });
}

/** Ends when the replica says that this is all, or when nothing has come for {@link SILENCE_MS}. */
async function* messagesOfReplica(js: JetStreamClient, stream: string, from: number): AsyncGenerator<StoredMessage> {
  const opening = openOnReplica(js, stream, from);
  const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
  const cancel = SYSTEM_CLOCK.after(SILENCE_MS, () => giveUp(undefined));
  const messages = await Promise.race([opening, late]).finally(cancel);
  if (messages === undefined) {
    // One that is opened too late is read by nobody.
    opening.then(
      (opened) => opened?.close(),
      () => {},
    );
    return;
  }
  // What the server sent into a connection that was lost then does not come again by itself.
  let isAwaited = true;
  const silence = setTimeout(() => void (isAwaited && messages.close()), SILENCE_MS);
  try {
    for await (const message of messages) {
      // What whoever reads takes for itself is no silence.
      isAwaited = false;
      yield fromConsumer(message);
      isAwaited = true;
      silence.refresh();
      if (message.info.pending === 0) return;
    }
  } finally {
    clearTimeout(silence);
    await messages.close();
  }
}
