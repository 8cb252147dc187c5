import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { EVENTS_PER_ORDER, plainOrders } from "./workload.ts";

/** Milliseconds from publishing the event that completes an order to its decision. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Decisions measured. */
  readonly samples: number;
}

export interface LatencyOptions {
  readonly eventsPerSecond: number;
  readonly seconds: number;
  /** Decisions of the first seconds do not count: buffers, JIT and the disk settle. */
  readonly rampUpSeconds: number;
  readonly seed: number;
}

const DECIDING = ["PaymentProcessed", "InventoryReserved"];
const ANSWER_WITHIN_MS = 10_000;

/**
 * Publishes plain orders at a steady rate and times each from the call that publishes its completing event (payment or
 * inventory, whichever comes second) to the arrival of its decision at a plain subscriber of `decisions.orders.*`.
 *
 * @throws when a decision does not come within 10 s.
 */
export async function measureLatency(nc: NatsConnection, options: LatencyOptions): Promise<Latency> {
  const { eventsPerSecond, seconds, rampUpSeconds, seed } = options;
  const orders = Math.round((eventsPerSecond * seconds) / EVENTS_PER_ORDER);
  const messages = plainOrders({ orders, seed: seed + 1, shuffle: 20, idPrefix: `live-${seed}-` });
  const completing = completingMessages(messages);
  const publishedAt = new Map<string, number>();
  const arrivedAt = new Map<string, number>();
  const decisions = nc.subscribe("decisions.orders.*", {
    callback(_error, { subject }) {
      arrivedAt.set(subject.slice(subject.lastIndexOf(".") + 1), performance.now());
    },
  });
  await nc.flush();

  const js = jetstream(nc);
  const startedMs = performance.now();
  const stored: Promise<unknown>[] = [];
  for (const [index, message] of messages.entries()) {
    const waitMs = startedMs + (index * 1000) / eventsPerSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    if (completing.has(message)) publishedAt.set(message.actorId ?? "", performance.now());
    stored.push(js.publish(message.subject, message.body));
  }
  await Promise.all(stored);
  const deadline = performance.now() + ANSWER_WITHIN_MS;
  while (arrivedAt.size < orders && performance.now() < deadline) await delay(10);
  decisions.unsubscribe();
  if (arrivedAt.size < orders) throw new Error(`only ${arrivedAt.size} of ${orders} live orders were decided`);

  const counted = [...publishedAt].filter(([, at]) => at >= startedMs + rampUpSeconds * 1000);
  return summarise(counted.map(([id, at]) => (arrivedAt.get(id) ?? Number.POSITIVE_INFINITY) - at));
}

/** Of each order the second of payment and inventory, in the order of publishing. */
function completingMessages(messages: readonly TrafficMessage[]): Set<TrafficMessage> {
  const seen = new Set<string | undefined>();
  return new Set(
    messages.filter(({ subject, actorId }) => {
      if (!DECIDING.some((type) => subject.endsWith(`.${type}`))) return false;
      const isSecond = seen.has(actorId);
      seen.add(actorId);
      return isSecond;
    }),
  );
}

function summarise(latenciesMs: number[]): Latency {
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), samples: sorted.length };
}
