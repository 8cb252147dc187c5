import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { monotonicMs, type Span } from "./stalls.ts";
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

/** As they were, on the machine's monotonic clock. */
export interface Timed {
  /** From publishing to decision. */
  readonly decisions: readonly Span[];
  /** From publishing each event to nats-server's acknowledgement. */
  readonly acknowledgements: readonly Span[];
}

const DECIDING = ["PaymentProcessed", "InventoryReserved"];
const ANSWER_WITHIN_MS = 10_000;

/** {@link timeDecisions}, summed up. */
export async function measureLatency(nc: NatsConnection, options: LatencyOptions): Promise<Latency> {
  return summarise((await timeDecisions(nc, options)).decisions);
}

/**
 * Publishes plain orders at a steady rate and times each from the call that publishes its completing event (payment or
 * inventory, whichever comes second) to the arrival of its decision at a plain subscriber of `decisions.orders.*`.
 *
 * @throws when a decision does not come within 10 s.
 */
export async function timeDecisions(nc: NatsConnection, options: LatencyOptions): Promise<Timed> {
  const { eventsPerSecond, seconds, rampUpSeconds, seed } = options;
  const orders = Math.round((eventsPerSecond * seconds) / EVENTS_PER_ORDER);
  const messages = plainOrders({ orders, seed: seed + 1, shuffle: 20, idPrefix: `live-${seed}-` });
  const completing = completingMessages(messages);
  const publishedAt = new Map<string, number>();
  const arrivedAt = new Map<string, number>();
  const decisions = nc.subscribe("decisions.orders.*", {
    callback(_error, { subject }) {
      arrivedAt.set(subject.slice(subject.lastIndexOf(".") + 1), monotonicMs());
    },
  });
  await nc.flush();

  const js = jetstream(nc);
  const startedMs = monotonicMs();
  const stored: Promise<Span>[] = [];
  const publish = async ({ subject, body }: TrafficMessage): Promise<Span> => {
    const fromMs = monotonicMs();
    await js.publish(subject, body);
    return { fromMs, toMs: monotonicMs() };
  };
  for (const [index, message] of messages.entries()) {
    const waitMs = startedMs + (index * 1000) / eventsPerSecond - monotonicMs();
    if (waitMs > 0) await delay(waitMs);
    if (completing.has(message)) publishedAt.set(message.actorId ?? "", monotonicMs());
    stored.push(publish(message));
  }
  const acknowledgements = await Promise.all(stored);
  const deadline = monotonicMs() + ANSWER_WITHIN_MS;
  while (arrivedAt.size < orders && monotonicMs() < deadline) await delay(10);
  decisions.unsubscribe();
  if (arrivedAt.size < orders) throw new Error(`only ${arrivedAt.size} of ${orders} live orders were decided`);

  const countedMs = startedMs + rampUpSeconds * 1000;
  const counted = ({ fromMs }: Span) => fromMs >= countedMs;
  const spans = [...publishedAt].map(([id, fromMs]) => ({
    fromMs,
    toMs: arrivedAt.get(id) ?? Number.POSITIVE_INFINITY,
  }));
  return { decisions: spans.filter(counted), acknowledgements: acknowledgements.filter(counted) };
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

export function summarise(spans: readonly Span[]): Latency {
  const sorted = spans.map(({ fromMs, toMs }) => toMs - fromMs).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), samples: sorted.length };
}
