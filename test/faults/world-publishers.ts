import { headers } from "@nats-io/transport-node";
import { orderTraffic } from "../../machines/order/traffic.ts";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Session } from "../../src/jetstream/session.ts";
import type { Choices } from "./choices.ts";
import { pause } from "./processes.ts";

/** A message as it is published. */
export type Published = Pick<TrafficMessage, "subject" | "body" | "headers">;

/** Those who publish in one world. */
export interface Publishers {
  /** See `Stage`. */
  traffic(orders: number, bad?: number): TrafficMessage[];
  /** See `Stage`. */
  publish(messages: readonly Published[]): Promise<void>;
  /** What is not published yet is given up. */
  end(): void;
}

const PUBLISHERS = 100;

export function createPublishers(session: Session, random: Choices, patienceMs: number): Publishers {
  let isOver = false;
  let trafficCalls = 0;

  async function publishOne({ subject, body, headers: given = {} }: Published): Promise<void> {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        await session.js.publish(subject, body, { headers: header, timeout: 2000 });
        return;
      } catch (error) {
        if (isOver || Date.now() > deadline) throw new Error("a message could not be published", { cause: error });
        await pause(100);
      }
    }
  }

  return {
    traffic: (orders, bad = 3) =>
      orderTraffic({
        actors: orders,
        seed: random.whole(1, 1_000_000_000),
        duplicates: 0.2,
        late: 0.1,
        fail: 0.3,
        shuffle: orders,
        malformed: bad,
        idPrefix: `t${++trafficCalls}-`,
      }),
    async publish(messages) {
      const queue = messages.values();
      const publisher = async () => {
        for (const message of queue) await publishOne(message);
      };
      await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
    },
    end() {
      isOver = true;
    },
  };
}
