import { randomUUID } from "node:crypto";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import { type TellSlow, timeSteps } from "../flow/step-times.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, OWNER_GROUP } from "../wire/names.ts";
import { type DeliveryAudit, isPinned } from "./delivery-audit.ts";
import { createDeliveryGate } from "./delivery-gate.ts";
import { ensureConsumer, type LaneConsumerOptions } from "./lane-consumer.ts";
import { fromConsumer } from "./stored-message.ts";
import { wantedConsumer } from "./stream-configs.ts";

/** Why a lane starts over from its checkpoint. */
export type Doubt =
  | "gap"
  | "unpinned"
  | "leader_changed"
  | "consumer_lost"
  | "consumer_changed"
  | "connection"
  | "closed"
  | "failed"
  | "full";

/** One reading of a lane, from its checkpoint to the first doubt. */
export type LaneSession = ReturnType<typeof beginLaneSession>;

export interface LaneSessionOptions extends LaneConsumerOptions {
  /** Of `js`: what is delivered is acknowledged on it. */
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  /** True: it is read beside its owner, on a consumer of our own; nothing is pinned, reset or acknowledged. */
  readonly isFollowing?: boolean;
  /** Asked at each begin: may it be taken from somebody else who reads it? By default it may. */
  readonly mayTakeOver?: () => boolean;
  /** Rejects when it cannot begin, for example when the stream is another one than was read. */
  readonly prepare: () => Promise<void>;
  readonly checkpoint: () => number;
  readonly audit: DeliveryAudit;
  readonly onDelivery: (delivery: Delivery) => void;
  /** It has to be ended: deliveries may have been missed or doubled. */
  readonly onDoubt: (reason: Doubt, detail?: string) => void;
  /** Somebody had changed the lane's consumer; it is what it was again. */
  readonly onMended: (differences: readonly string[]) => void;
  readonly onSlow?: TellSlow<Lane>;
}

/**
 * Short: a stall after a leader change lasts two heartbeats, and half a second is the least the client takes. An idle
 * owner renews its pull when it expires, and must do so well before the pin times out (`PIN_TIMEOUT_MS`): at 5 s each the
 * first event after a pause found no owner for 1.6 s.
 */
const PULL = { max_messages: 1000, expires: 2000, idle_heartbeat: 500 };

/** The client's message has it; its type leaves it out. */
interface WithReply {
  readonly reply: string;
}

const ACK = new TextEncoder().encode("+ACK");

/** A follower that is gone leaves its consumer to the server, which removes it after so long; longer than any pull. */
const FOLLOWER_SILENCE_MS = 10_000;

/** More than a delivery takes. */
const WAITED_MS = 500;

/** In which a former owner hears that its pin is gone, and closes. */
const FORMER_OWNER_MS = 100;
const FORMER_OWNER_ROUNDS = 4;

/**
 * Consumes from checkpoint + 1 on an inbox of its own, so that nothing of an earlier session can arrive. The server counts
 * deliveries from 1, for a new consumer and after a reset; the first number that is not the next one is a doubt. So is a
 * first delivery that is not the first message after the checkpoint: another owner's reset, between ours and it, begins at
 * 1 as well.
 */
export function beginLaneSession(options: LaneSessionOptions) {
  const { jsm, lane, isFollowing = false, audit, onSlow = () => {} } = options;
  let isEnded = false;
  let messages: ConsumerMessages | undefined;
  let leader: string | undefined;
  const isCurrent = () => !isEnded;
  const onDoubt: LaneSessionOptions["onDoubt"] = (...why) => {
    if (!isEnded) options.onDoubt(...why);
  };

  const led = (by: string | undefined) => {
    leader = by;
  };

  async function begin(): Promise<void> {
    // Whoever begins it has it before anything of it can happen.
    await Promise.resolve();
    const steps = timeSteps(SYSTEM_CLOCK);
    await options.prepare();
    steps.ended("prepareMs");
    if (isEnded) return;
    const { consumer, from } = await (isFollowing ? addConsumer(options) : takeConsumer(options, { isCurrent, led }));
    steps.ended("consumerMs");
    if (isEnded) return;
    audit.begin();
    const admit = createDeliveryGate({
      ...{ jsm, lane, from, isCurrent, onDelivery: options.onDelivery, onWrong: onDoubt },
    });
    const callback = (message: JsMsg) => {
      if (isEnded) return;
      const { deliverySequence, deliveryCount } = message.info;
      const expected = audit.received() + 1;
      if (deliverySequence !== expected || deliveryCount !== 1) {
        return onDoubt("gap", `delivery ${deliverySequence} (attempt ${deliveryCount}), expected ${expected}`);
      }
      audit.count();
      if (expected === 1) tellFirst(message.time);
      admit(toDelivery(lane, fromConsumer(message), isFollowing ? undefined : ackOf(options.nc, message)));
    };
    messages = await consumer.consume({ ...PULL, ...(!isFollowing && { group: OWNER_GROUP }), callback });
    if (isEnded) return void (await messages.close());
    void watchStatus(messages, onDoubt, unpinned);

    /** One that was stored just now has waited for nothing. */
    function tellFirst(storedAt: Date): void {
      if (Date.now() - storedAt.getTime() > WAITED_MS) steps.ended("deliveryMs");
      const long = steps.ifLong();
      if (long !== undefined) onSlow(lane, isFollowing ? "followed" : "read", long);
    }

    /** A consumer's next leader knows of no pin: nobody has taken it. */
    async function unpinned(): Promise<void> {
      const now = await leaderOf(options);
      onDoubt(now === leader ? "unpinned" : "leader_changed");
    }
  }

  return {
    /** Resolves when deliveries may arrive, or when it was ended before. */
    begun: begin(),
    /** Did another server lead the lane's consumer when it was taken? Before that, and where there is one server, none did. */
    isLedByOther: (server: string) => leader !== undefined && leader !== server,
    /** Nothing of it is heard afterwards. Safe to call twice. */
    end(): void {
      isEnded = true;
      void messages?.close();
    },
  };
}

/** Keeps the reply subject alone, not the client's message with all its parts: tens of thousands wait to be applied. */
function ackOf(nc: NatsConnection, message: JsMsg): () => void {
  const { reply } = message as JsMsg & WithReply;
  return () => {
    if (!nc.isClosed() && !nc.isDraining()) nc.publish(reply, ACK);
  };
}

/** The server that leads the lane's consumer; undefined where there is one server, or when it cannot be known. */
async function leaderOf({ jsm, lane }: LaneSessionOptions): Promise<string | undefined> {
  const name = consumerName(lane.type, lane.partition);
  return jsm.consumers.info(lane.stream, name).then(
    ({ cluster }) => cluster?.leader,
    () => undefined,
  );
}

interface Begun {
  readonly consumer: Consumer;
  readonly from: number;
}

interface Taking {
  readonly from: number;
  readonly isCurrent: () => boolean;
  readonly led: (by: string | undefined) => void;
}

/** The lane's durable consumer, pinned to us and set to the checkpoint. */
async function takeConsumer(options: LaneSessionOptions, taking: Omit<Taking, "from">): Promise<Begun> {
  const { js, lane, onMended } = options;
  const mended = await ensureConsumer(options);
  if (mended.length > 0) onMended(mended);
  const from = options.checkpoint() + 1;
  await takePin(options, { ...taking, from });
  return { consumer: await js.consumers.get(lane.stream, consumerName(lane.type, lane.partition)), from };
}

/** A consumer of the same messages that nobody else reads. */
async function addConsumer({ jsm, js, lane, checkpoint }: LaneSessionOptions): Promise<Begun> {
  const from = checkpoint() + 1;
  const name = `follow-${consumerName(lane.type, lane.partition)}-${randomUUID()}`;
  await jsm.consumers.add(lane.stream, {
    name,
    filter_subject: wantedConsumer(lane).filter_subject,
    ack_policy: "none",
    deliver_policy: "by_start_sequence",
    opt_start_seq: from,
    inactive_threshold: nanos(FOLLOWER_SILENCE_MS),
    mem_storage: true,
    num_replicas: 1,
  });
  return { consumer: await js.consumers.get(lane.stream, name), from };
}

/**
 * Makes the server deliver from `from`, to us. An owner that does not know yet that we are there is told that it lost
 * the pin when there is something to deliver, and its client asks for more, without a pin, before that owner can close
 * it: its request is there before ours. So it is given the time, and what it got meanwhile is delivered again.
 *
 * @param taking.led - told who leads the consumer, where there are several servers, before anything is asked of that one.
 */
async function takePin(
  { jsm, lane, mayTakeOver = () => true }: LaneSessionOptions,
  { from, isCurrent, led }: Taking,
): Promise<void> {
  const durable = consumerName(lane.type, lane.partition);
  for (let round = 1; isCurrent(); round++) {
    const info = await jsm.consumers.info(lane.stream, durable);
    if (!isCurrent()) return;
    led(info.cluster?.leader);
    const areOthers = isPinned(info) || info.num_waiting > 0;
    if (areOthers && round === 1 && !mayTakeOver()) throw new Error("another daemon reads it, or did until just now");
    await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP);
    if (!isCurrent()) return;
    await jsm.consumers.reset(lane.stream, durable, from);
    if (!areOthers || round === FORMER_OWNER_ROUNDS) return;
    await waitFor(SYSTEM_CLOCK, FORMER_OWNER_MS);
  }
}

/** @param unpinned - another one has the pin, or nobody has it. */
async function watchStatus(
  messages: ConsumerMessages,
  onDoubt: LaneSessionOptions["onDoubt"],
  unpinned: () => Promise<void>,
): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === "consumer_unpinned") return unpinned();
    if (type === "consumer_deleted" || type === "consumer_not_found") return onDoubt("consumer_lost");
    if (type === "stream_not_found") return onDoubt("consumer_lost", "the stream is gone");
  }
  onDoubt("closed");
}
