import type { ConsumerInfo, ConsumerMessages, JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import type { Room } from "../flow/delivery-queue.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, OWNER_GROUP } from "../wire/names.ts";
import { NatsSetupError } from "./connect.ts";
import { createDeliveryAudit, type Delivered } from "./delivery-audit.ts";
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

/** Reads one lane in stream order, from its checkpoint, for as long as it is owned. */
export interface LaneReader {
  readonly lane: Lane;
  /** True while deliveries may arrive in order, or only wait for room. */
  isReading(): boolean;
  /** Told, now and then, what the server has delivered; starts over when that went elsewhere. */
  audit(delivered: Delivered): void;
  /** Is everything applied that the stream held when the present session began? */
  isCaughtUp(): boolean;
  /** Why it cannot be read, once it has been tried often or for long enough, or gets nothing; undefined while it is. */
  trouble(): string | undefined;
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
  /** Before each session. Rejects when it cannot begin, for example when the stream is another one than was read. */
  readonly prepare: () => Promise<void>;
  readonly checkpoint: () => number;
  readonly onDelivery: (delivery: Delivery) => void;
  /** For what is delivered. While it is full nothing is asked for. */
  readonly room?: Room;
  /** What is queued of the lane is to be forgotten: it comes again. */
  readonly onDoubt: (reason: Doubt, detail: string | undefined) => void;
  /**
   * The lane's consumer is, or was, another one: since it was last seen to be right it may have left messages out, and
   * the checkpoint has to go back to there.
   */
  readonly onChanged: () => void;
  /** Somebody had changed the lane's consumer; it is what it was again. */
  readonly onMended: (differences: readonly string[]) => void;
}

/**
 * Short: a stall after a leader change lasts two heartbeats. An idle owner renews its pull when it expires, and must do
 * so well before the pin times out (`PIN_TIMEOUT_MS`): at 5 s each the first event after a pause found no owner for 1.6 s.
 */
const PULL = { max_messages: 1000, expires: 2000, idle_heartbeat: 1000 };
const RETRY_MS = [50, 250, 1000, 2000];
/** Another client took the pin: leave it the time in which the members find out who the owner is. */
const UNPINNED_RETRY_MS = 1500;

/** Anything may fail once or twice. */
const FAILURES_TOLD = 3;
/** Asked in vain for this long, the first failure counts. */
const FAILING_TOLD_MS = 3000;

/** In which a former owner hears that its pin is gone, and closes. */
const FORMER_OWNER_MS = 100;
const FORMER_OWNER_ROUNDS = 4;

/**
 * One session after another: each takes the pin, resets the durable consumer to checkpoint + 1 and consumes on an inbox
 * of its own, so that nothing of an earlier session can arrive. After a reset the server counts deliveries from 1; the
 * first number that is not the next one ends the session. So does a first delivery that is not the first message after
 * the checkpoint: another owner's reset, between ours and it, begins at 1 as well.
 */
export function readLane(options: LaneReaderOptions): LaneReader {
  const { jsm, js, lane, manage, prepare, checkpoint, onDelivery, onDoubt, onMended, onChanged, room } = options;
  const durable = consumerName(lane.type, lane.partition);
  const unserved = `messages wait and none is delivered, is its consumer paused, or may this user not publish to $JS.API.CONSUMER.MSG.NEXT.${lane.stream}.>?`;
  let session = 0;
  let failures = 0;
  let failure: { readonly message: string; readonly isFinal: boolean } | undefined;
  /** Since when it is not read. */
  let endedAtMs = performance.now();
  let messages: ConsumerMessages | undefined;
  let retry: NodeJS.Timeout | undefined;
  let released = false;
  let isHeld = false;
  const audit = createDeliveryAudit();

  void open();

  async function open(): Promise<void> {
    const mine = ++session;
    const isCurrent = () => mine === session && !released;
    try {
      await prepare();
      const mended = await ensureConsumer({ jsm, lane, manage, onChanged });
      if (mended.length > 0) onMended(mended);
      if (!isCurrent()) return;
      const from = checkpoint() + 1;
      await takePin(from, isCurrent);
      if (!isCurrent()) return;
      const consumer = await js.consumers.get(lane.stream, durable);
      if (!isCurrent()) return;
      audit.begin();
      const gate = createDeliveryGate({
        ...{ jsm, lane, from, isCurrent },
        onDelivery: (delivery) => accept(delivery, isCurrent),
        onWrong: doubt,
      });
      const consumed = await consumer.consume({
        ...PULL,
        group: OWNER_GROUP,
        callback(message) {
          if (!isCurrent()) return;
          const { deliverySequence, deliveryCount } = message.info;
          const expected = audit.received() + 1;
          if (deliverySequence !== expected || deliveryCount !== 1) {
            return doubt("gap", `delivery ${deliverySequence} (attempt ${deliveryCount}), expected ${expected}`);
          }
          audit.count();
          gate.arrive(toDelivery(lane, fromConsumer(message), () => message.ack()));
        },
      });
      if (!isCurrent()) {
        await consumed.close();
        return;
      }
      messages = consumed;
      failures = 0;
      failure = undefined;
      void watch(consumed, isCurrent);
    } catch (error) {
      if (!isCurrent()) return;
      failure = { message: (error as Error).message, isFinal: error instanceof NatsSetupError };
      again("failed", (error as Error).message);
    }
  }

  /**
   * Makes the server deliver from `from`, to us. An owner that does not know yet that we are there is told that it lost
   * the pin when there is something to deliver, and its client asks for more, without a pin, before that owner can close
   * it: its request is there before ours. So it is given the time, and what it got meanwhile is delivered again.
   */
  async function takePin(from: number, isCurrent: () => boolean): Promise<void> {
    for (let round = 1; isCurrent(); round++) {
      const info = await jsm.consumers.info(lane.stream, durable);
      if (!isCurrent()) return;
      await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP);
      if (!isCurrent()) return;
      await jsm.consumers.reset(lane.stream, durable, from);
      const areOthers = isPinned(info) || info.num_waiting > 0;
      if (!areOthers || round === FORMER_OWNER_ROUNDS) return;
      await new Promise((resolve) => setTimeout(resolve, FORMER_OWNER_MS));
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

  function accept(delivery: Delivery, isCurrent: () => boolean): void {
    if (!isCurrent()) return;
    if (room?.isFull()) hold(room);
    else onDelivery(delivery);
  }

  /** What is queued is kept and applied; what follows it is delivered anew, once there is room. */
  function hold(until: Room): void {
    close();
    isHeld = true;
    const mine = session;
    void until.whenFree().then(() => {
      if (mine === session) doubt("full");
    });
  }

  function again(reason: Doubt, detail: string | undefined): void {
    close();
    onDoubt(reason, detail);
    if (reason === "consumer_changed") onChanged();
    if (reason === "connection") {
      // What failed while it was away says nothing about now.
      failures = 0;
      failure = undefined;
    }
    clearTimeout(retry);
    const backoffMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)];
    retry = setTimeout(() => void open(), reason === "unpinned" ? UNPINNED_RETRY_MS : backoffMs);
  }

  function close(): void {
    session++;
    if (messages !== undefined || isHeld) endedAtMs = performance.now();
    isHeld = false;
    audit.end();
    void messages?.close();
    messages = undefined;
  }

  return {
    lane,
    isReading: () => messages !== undefined || isHeld,
    trouble() {
      if (failure === undefined) return audit.isUnserved() ? unserved : undefined;
      const isTold = failure.isFinal || failures >= FAILURES_TOLD || performance.now() - endedAtMs > FAILING_TOLD_MS;
      return isTold ? failure.message : undefined;
    },
    doubt,
    audit(delivered) {
      const problem = audit.check(delivered);
      if (problem !== undefined) doubt("gap", problem);
    },
    isCaughtUp: audit.isCaughtUp,
    async release() {
      released = true;
      clearTimeout(retry);
      const wasReading = messages !== undefined || isHeld;
      close();
      if (wasReading) await jsm.consumers.unpin(lane.stream, durable, OWNER_GROUP).catch(() => {});
    },
  };
}

/** What the server says of pins, and the client's type does not. */
interface PinState {
  readonly priority_groups?: readonly { readonly group: string; readonly pinned_client_id?: string }[];
}

/** As the server says it in `info`. */
export function deliveredOf(info: ConsumerInfo, askedAtMs: number): Delivered {
  const { delivered, num_ack_pending, num_pending } = info;
  const counts = { count: delivered.consumer_seq, unacknowledged: num_ack_pending, pending: num_pending };
  return { ...counts, isPinned: isPinned(info), askedAtMs };
}

function isPinned(info: ConsumerInfo & PinState): boolean {
  return info.priority_groups?.some(({ pinned_client_id = "" }) => pinned_client_id !== "") ?? false;
}
