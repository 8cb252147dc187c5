import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, OWNER_GROUP } from "../wire/names.ts";
import { type DeliveryAudit, isPinned } from "./delivery-audit.ts";
import { createDeliveryGate } from "./delivery-gate.ts";
import { ensureConsumer } from "./lane-consumer.ts";
import { fromConsumer } from "./stored-message.ts";

/** Why a lane starts over from its checkpoint. */
export type Doubt =
  | "gap"
  | "unpinned"
  | "consumer_lost"
  | "consumer_changed"
  | "connection"
  | "closed"
  | "failed"
  | "full";

/** One reading of a lane, from its checkpoint to the first doubt. */
export interface LaneSession {
  /** Resolves when deliveries may arrive, or when it was ended before. */
  readonly begun: Promise<void>;
  /** Nothing of it is heard afterwards. Safe to call twice. */
  end(): void;
}

export interface LaneSessionOptions {
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  readonly lane: Lane;
  readonly manage: boolean;
  /** Rejects when it cannot begin, for example when the stream is another one than was read. */
  readonly prepare: () => Promise<void>;
  readonly checkpoint: () => number;
  readonly audit: DeliveryAudit;
  readonly onDelivery: (delivery: Delivery) => void;
  /** It has to be ended: deliveries may have been missed or doubled. */
  readonly onDoubt: (reason: Doubt, detail?: string) => void;
  /**
   * The lane's consumer is, or was, another one: since it was last seen to be right it may have left messages out, and
   * the checkpoint has to go back to there.
   */
  readonly onChanged: () => void;
  /** Somebody had changed the lane's consumer; it is what it was again. */
  readonly onMended: (differences: readonly string[]) => void;
  readonly clock?: Clock;
}

/**
 * Short: a stall after a leader change lasts two heartbeats. An idle owner renews its pull when it expires, and must do
 * so well before the pin times out (`PIN_TIMEOUT_MS`): at 5 s each the first event after a pause found no owner for 1.6 s.
 */
const PULL = { max_messages: 1000, expires: 2000, idle_heartbeat: 1000 };

/** In which a former owner hears that its pin is gone, and closes. */
const FORMER_OWNER_MS = 100;
const FORMER_OWNER_ROUNDS = 4;

/**
 * Takes the pin, resets the durable consumer to checkpoint + 1 and consumes on an inbox of its own, so that nothing of an
 * earlier session can arrive. After a reset the server counts deliveries from 1; the first number that is not the next
 * one is a doubt. So is a first delivery that is not the first message after the checkpoint: another owner's reset,
 * between ours and it, begins at 1 as well.
 */
export function beginLaneSession(options: LaneSessionOptions): LaneSession {
  const { jsm, js, lane, manage, audit, onMended, onChanged } = options;
  let isEnded = false;
  let messages: ConsumerMessages | undefined;
  const isCurrent = () => !isEnded;
  const onDoubt: LaneSessionOptions["onDoubt"] = (...why) => {
    if (!isEnded) options.onDoubt(...why);
  };

  async function begin(): Promise<void> {
    // Whoever begins it has it before anything of it can happen.
    await Promise.resolve();
    await options.prepare();
    const mended = await ensureConsumer({ jsm, lane, manage, onChanged });
    if (mended.length > 0) onMended(mended);
    if (isEnded) return;
    const from = options.checkpoint() + 1;
    await takePin(options, from, isCurrent);
    if (isEnded) return;
    const consumer = await js.consumers.get(lane.stream, consumerName(lane.type, lane.partition));
    if (isEnded) return;
    audit.begin();
    const admit = createDeliveryGate({
      ...{ jsm, lane, from, isCurrent, onWrong: onDoubt },
      onDelivery: (delivery) => isCurrent() && options.onDelivery(delivery),
    });
    const callback = (message: JsMsg) => {
      if (isEnded) return;
      const { deliverySequence, deliveryCount } = message.info;
      const expected = audit.received() + 1;
      if (deliverySequence !== expected || deliveryCount !== 1) {
        return onDoubt("gap", `delivery ${deliverySequence} (attempt ${deliveryCount}), expected ${expected}`);
      }
      audit.count();
      admit(toDelivery(lane, fromConsumer(message), () => message.ack()));
    };
    messages = await consumer.consume({ ...PULL, group: OWNER_GROUP, callback });
    if (isEnded) await messages.close();
    else void watchStatus(messages, onDoubt);
  }

  return {
    begun: begin(),
    end() {
      isEnded = true;
      void messages?.close();
    },
  };
}

/**
 * Makes the server deliver from `from`, to us. An owner that does not know yet that we are there is told that it lost
 * the pin when there is something to deliver, and its client asks for more, without a pin, before that owner can close
 * it: its request is there before ours. So it is given the time, and what it got meanwhile is delivered again.
 */
async function takePin(
  { jsm, lane, clock = SYSTEM_CLOCK }: LaneSessionOptions,
  from: number,
  isCurrent: () => boolean,
): Promise<void> {
  const durable = consumerName(lane.type, lane.partition);
  for (let round = 1; isCurrent(); round++) {
    const info = await jsm.consumers.info(lane.stream, durable);
    if (!isCurrent()) return;
    await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP);
    if (!isCurrent()) return;
    await jsm.consumers.reset(lane.stream, durable, from);
    const areOthers = isPinned(info) || info.num_waiting > 0;
    if (!areOthers || round === FORMER_OWNER_ROUNDS) return;
    await new Promise<void>((resolve) => clock.after(FORMER_OWNER_MS, resolve));
  }
}

async function watchStatus(messages: ConsumerMessages, onDoubt: LaneSessionOptions["onDoubt"]): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === "consumer_unpinned") return onDoubt("unpinned");
    if (type === "consumer_deleted" || type === "consumer_not_found") return onDoubt("consumer_lost");
    if (type === "stream_not_found") return onDoubt("consumer_lost", "the stream is gone");
  }
  onDoubt("closed");
}
