import type { JetStreamManager } from "@nats-io/jetstream";
import type { Delivery } from "../flow/delivery.ts";
import type { Lane } from "../wire/lanes.ts";
import { messageAt, nextOf } from "./leader-reader.ts";

export interface DeliveryGateOptions {
  readonly jsm: JetStreamManager;
  readonly lane: Lane;
  /** The sequence the session was to begin at. */
  readonly from: number;
  /** False once the session has ended. */
  readonly isCurrent: () => boolean;
  readonly onDelivery: (delivery: Delivery) => void;
  /** The session has to begin anew, and nothing more is let through; told of one that has ended, too. */
  readonly onWrong: (reason: "gap" | "consumer_changed" | "failed", detail: string) => void;
}

/**
 * Lets through, in order, what is the lane's own and whole.
 *
 * The first delivery has to be the first message after the checkpoint. Each has to be of the lane's partition; one
 * without a body that says it had one is compared with what is stored: a consumer that gives headers only says so in
 * `Nats-Msg-Size`, and so may a publisher. What comes meanwhile waits.
 *
 * @returns takes what arrives.
 */
export function createDeliveryGate(options: DeliveryGateOptions): (delivery: Delivery) => void {
  const { jsm, lane, from, isCurrent, onDelivery, onWrong } = options;
  const prefix = `${lane.type.collection}.${lane.partition}.`;
  let isFirst = true;
  /** Undefined while nothing has to be asked. */
  let held: Delivery[] | undefined;

  async function admitHeld(): Promise<void> {
    for (let next = held?.shift(); next !== undefined; next = held?.shift()) {
      if (isFirst) {
        // As the leader has it; infinite when there is none any more.
        const right = (await nextOf(jsm, lane, from))?.sequence ?? Number.POSITIVE_INFINITY;
        if (!isCurrent()) return;
        if (right < next.sequence) return onWrong("gap", `begins at ${next.sequence}, expected ${right}`);
        isFirst = false;
      }
      if (isBodyless(next) && (await hasStoredBody(jsm, next))) {
        return onWrong("consumer_changed", `message ${next.sequence} came without its body`);
      }
      if (!isCurrent()) return;
      onDelivery(next);
    }
    held = undefined;
  }

  return (delivery) => {
    if (!delivery.subject.startsWith(prefix)) {
      return onWrong("consumer_changed", `message ${delivery.sequence} is of ${delivery.subject.split(".")[1]}`);
    }
    if (held !== undefined) held.push(delivery);
    else if (isFirst || isBodyless(delivery)) {
      held = [delivery];
      admitHeld().catch((error: Error) => onWrong("failed", error.message));
    } else onDelivery(delivery);
  };
}

function isBodyless(delivery: Delivery): boolean {
  return delivery.body.length === 0 && delivery.header("Nats-Msg-Size") !== undefined;
}

async function hasStoredBody(jsm: JetStreamManager, { lane, sequence }: Delivery): Promise<boolean> {
  const stored = await messageAt(jsm, lane.stream, sequence);
  // It is gone, and nobody can say: the header is believed.
  return stored === undefined || stored.body.length > 0;
}
