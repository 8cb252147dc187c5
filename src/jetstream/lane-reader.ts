import {
  type ConsumerMessages,
  JetStreamApiCodes,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type MsgRequest,
} from "@nats-io/jetstream";
import type { Delivery, Lane } from "../flow/ports.ts";
import { apiErrorCode } from "./connect.ts";
import { consumerName, OWNER_GROUP } from "./names.ts";
import { storedAtNanos } from "./stored-at.ts";
import { ensureConsumer } from "./topology.ts";

/** Why a lane starts over from its checkpoint. */
export type Doubt = "gap" | "unpinned" | "consumer_lost" | "connection" | "closed" | "failed";

/** Reads one lane in stream order, from its checkpoint, for as long as it is owned. */
export interface LaneReader {
  readonly lane: Lane;
  /** True while deliveries may arrive in order. */
  isReading(): boolean;
  /** Starts over from the checkpoint, because deliveries may have been missed or doubled. */
  doubt(reason: Doubt, detail?: string): void;
  /** Stops for good and lets another owner be pinned at once. */
  release(): Promise<void>;
}

export interface LaneReaderOptions {
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  readonly lane: Lane;
  readonly manage: boolean;
  /** Rejects when the stream is not the one the checkpoint speaks of. */
  readonly verify: () => Promise<void>;
  readonly checkpoint: () => number;
  readonly onDelivery: (delivery: Delivery) => void;
  /** What is queued of the lane is to be forgotten: it comes again. */
  readonly onDoubt: (reason: Doubt, detail: string | undefined) => void;
}

/**
 * Short: a stall after a leader change lasts two heartbeats. An idle owner renews its pull when it expires, and must do
 * so well before the pin times out (`PIN_TIMEOUT_MS`): at 5 s each the first event after a pause found no owner for 1.6 s.
 */
const PULL = { max_messages: 1000, expires: 2000, idle_heartbeat: 1000 };
const RETRY_MS = [50, 250, 1000, 2000];
/** Another client took the pin: leave it the time in which the members find out who the owner is. */
const UNPINNED_RETRY_MS = 1500;

/**
 * One session after another: each takes the pin, resets the durable consumer to checkpoint + 1 and consumes on an inbox
 * of its own, so that nothing of an earlier session can arrive. After a reset the server counts deliveries from 1; the
 * first number that is not the next one ends the session. So does a first delivery that is not the first message after
 * the checkpoint: another owner's reset, between ours and it, begins at 1 as well.
 */
export function readLane(options: LaneReaderOptions): LaneReader {
  const { jsm, js, lane, manage, verify, checkpoint, onDelivery, onDoubt } = options;
  const durable = consumerName(lane.type, lane.partition);
  let session = 0;
  let failures = 0;
  let messages: ConsumerMessages | undefined;
  let retry: NodeJS.Timeout | undefined;
  let released = false;

  void open();

  async function open(): Promise<void> {
    const mine = ++session;
    const isCurrent = () => mine === session && !released;
    try {
      await verify();
      await ensureConsumer(jsm, lane, manage);
      if (!isCurrent()) return;
      await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP);
      if (!isCurrent()) return;
      const from = checkpoint() + 1;
      await jsm.consumers.reset(lane.stream, durable, from);
      if (!isCurrent()) return;
      const consumer = await js.consumers.get(lane.stream, durable);
      if (!isCurrent()) return;
      let expected = 1;
      /** What has arrived before the first is known to be the right one; then undefined. */
      let held: Delivery[] | undefined = [];
      const confirm = async (first: Delivery) => {
        const right = await firstSequence(jsm, lane, from);
        if (!isCurrent()) return;
        if (right < first.sequence) return doubt("gap", `begins at ${first.sequence}, expected ${right}`);
        for (const delivery of held ?? []) onDelivery(delivery);
        held = undefined;
      };
      messages = await consumer.consume({
        ...PULL,
        group: OWNER_GROUP,
        callback(message) {
          if (!isCurrent()) return;
          const { deliverySequence, deliveryCount } = message.info;
          if (deliverySequence !== expected || deliveryCount !== 1) {
            return doubt("gap", `delivery ${deliverySequence} (attempt ${deliveryCount}), expected ${expected}`);
          }
          const delivery = toDelivery(lane, message);
          if (held === undefined) onDelivery(delivery);
          else held.push(delivery);
          if (expected++ > 1) return;
          confirm(delivery).catch((error: Error) => isCurrent() && doubt("failed", error.message));
        },
      });
      failures = 0;
      void watch(messages, isCurrent);
    } catch (error) {
      if (isCurrent()) again("failed", (error as Error).message);
    }
  }

  async function watch(consumed: ConsumerMessages, isCurrent: () => boolean): Promise<void> {
    for await (const status of consumed.status()) {
      if (!isCurrent()) return;
      if (status.type === "consumer_unpinned") return doubt("unpinned");
      if (status.type === "consumer_deleted" || status.type === "consumer_not_found") return doubt("consumer_lost");
      if (status.type === "stream_not_found") return doubt("consumer_lost", "the stream is gone");
    }
    if (isCurrent()) doubt("closed");
  }

  function doubt(reason: Doubt, detail?: string): void {
    if (!released) again(reason, detail);
  }

  function again(reason: Doubt, detail: string | undefined): void {
    close();
    onDoubt(reason, detail);
    clearTimeout(retry);
    const backoffMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)];
    retry = setTimeout(() => void open(), reason === "unpinned" ? UNPINNED_RETRY_MS : backoffMs);
  }

  function close(): void {
    session++;
    void messages?.close();
    messages = undefined;
  }

  return {
    lane,
    isReading: () => messages !== undefined,
    doubt,
    async release() {
      released = true;
      clearTimeout(retry);
      const wasReading = messages !== undefined;
      close();
      if (wasReading) await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP).catch(() => {});
    },
  };
}

/** Sequence of the lane's first message from `from` on, as the leader has it; infinite when there is none any more. */
async function firstSequence(jsm: JetStreamManager, lane: Lane, from: number): Promise<number> {
  // The server takes both fields together here too; the client's type names them for direct gets only.
  const query = { seq: from, next_by_subj: `${lane.type.collection}.${lane.partition}.>` } as MsgRequest;
  try {
    return (await jsm.streams.getMessage(lane.stream, query))?.seq ?? Number.POSITIVE_INFINITY;
  } catch (error) {
    if (apiErrorCode(error) === JetStreamApiCodes.NoMessageFound) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

function toDelivery(lane: Lane, message: JsMsg): Delivery {
  const { info, headers } = message;
  return {
    lane,
    sequence: info.streamSequence,
    subject: message.subject,
    body: message.data,
    header: (name) => (headers?.has(name) ? headers.get(name) : undefined),
    headers: () => [...(headers ?? [])].flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    storedAtMs: storedAtNanos(info.timestampNanos),
    ack: () => message.ack(),
  };
}
