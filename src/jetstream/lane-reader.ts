import { SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Delivery } from "../flow/delivery.ts";
import type { Room } from "../flow/delivery-queue.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, OWNER_GROUP } from "../wire/names.ts";
import { createDeliveryAudit, type Delivered } from "./delivery-audit.ts";
import { createLaneFailures } from "./lane-failures.ts";
import { beginLaneSession, type Doubt, type LaneSession, type LaneSessionOptions } from "./lane-session.ts";

/** Reads one lane in stream order, from its checkpoint, for as long as it is owned or followed: one session after another. */
export type LaneReader = ReturnType<typeof readLane>;

export interface LaneReaderOptions extends Omit<LaneSessionOptions, "audit" | "onDoubt"> {
  /** For what is delivered. While it is full nothing is asked for. */
  readonly room: Room;
  /** What is queued of the lane is to be forgotten: it comes again. */
  readonly onDoubt: (reason: Doubt, detail: string | undefined) => void;
}

/** Another client took the pin: leave it the time in which the members find out who the owner is. */
const UNPINNED_RETRY_MS = 1500;

/** Reads at once, and until it is released. */
export function readLane(options: LaneReaderOptions) {
  const { jsm, lane, isFollowing = false, onChanged, room } = options;
  const audit = createDeliveryAudit();
  const failures = createLaneFailures();
  let session: LaneSession | undefined;
  let state: "closed" | "opening" | "reading" | "held" | "unpinned" | "released" = "closed";
  let cancelRetry = () => {};
  const pin = rememberPin(options.mayTakeOver);

  const isReading = () => state === "reading" || state === "held";

  function open(): void {
    state = "opening";
    const mine = beginLaneSession({ ...options, ...pin, audit, onDelivery: accept, onDoubt: doubt });
    session = mine;
    mine.begun.then(
      () => {
        if (session !== mine) return;
        state = "reading";
        pin.taken();
        failures.forget();
      },
      (error: Error) => {
        if (session !== mine) return;
        failures.failed(error);
        doubt("failed", error.message);
      },
    );
  }

  const accept = (delivery: Delivery) => (room.isFull() ? hold() : options.onDelivery(delivery));

  /** What is queued is kept and applied; what follows it is delivered anew, once there is room. */
  function hold(): void {
    close("held");
    void room.whenFree().then(() => void (state === "held" && doubt("full")));
  }

  function doubt(reason: Doubt, detail?: string): void {
    if (state === "released") return;
    close(reason === "unpinned" ? "unpinned" : "closed");
    options.onDoubt(reason, detail);
    if (reason === "consumer_changed") onChanged();
    pin.doubted(reason);
    // What failed while it was away says nothing about now.
    if (reason === "connection" || reason === "leader_changed") failures.forget();
    cancelRetry();
    cancelRetry = SYSTEM_CLOCK.after(state === "unpinned" ? UNPINNED_RETRY_MS : failures.nextDelayMs(), open);
  }

  function close(next: typeof state): void {
    if (isReading()) failures.ended();
    state = next;
    audit.end();
    session?.end();
    session = undefined;
  }

  open();
  return {
    lane,
    /** True while deliveries may arrive in order, or only wait for room. */
    isReading,
    /** Why it cannot be read, once it has been tried often or for long enough, or gets nothing; undefined while it is. */
    trouble: () => failures.told() ?? (audit.isUnserved() ? unserved(lane) : undefined),
    /** Starts over from the checkpoint, because deliveries may have been missed or doubled. */
    doubt,
    /**
     * A server leads the lane's consumer from now on. Another one than before knows of no pin, and what the former one was
     * asked is lost: starts over at once. While it is still being asked who leads, that is answered when somebody does.
     */
    elected(leader: string): void {
      if (session?.isLedByOther(leader) ?? state === "closed") doubt("leader_changed");
    },
    /** Told, now and then, what the server has delivered; starts over when that went elsewhere. */
    audit(delivered: Delivered): void {
      const problem = audit.check(delivered);
      if (problem !== undefined) doubt("gap", problem);
    },
    /** Is everything applied that the stream held when the present session began? */
    isCaughtUp: audit.isCaughtUp,
    /** Stops for good and lets another owner be pinned at once. */
    async release(): Promise<void> {
      const wasReading = isReading();
      cancelRetry();
      close("released");
      if (!wasReading || isFollowing) return;
      await jsm.consumers.unpin(lane.stream, consumerName(lane.type, lane.partition), OWNER_GROUP).catch(() => {});
    },
  };
}

/** As far as we know it is ourselves who read it: then it is taken from nobody. */
function rememberPin(mayTakeOver = () => true) {
  let isOurs = false;
  return {
    mayTakeOver: () => isOurs || mayTakeOver(),
    taken(): void {
      isOurs = true;
    },
    doubted(reason: Doubt): void {
      if (reason === "unpinned" || reason === "connection") isOurs = false;
    },
  };
}

function unserved({ stream }: Lane): string {
  return `messages wait and none is delivered, is its consumer paused, or may this user not publish to $JS.API.CONSUMER.MSG.NEXT.${stream}.>?`;
}
