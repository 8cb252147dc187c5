import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "../../src/jetstream/session.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { until } from "../until.ts";

/** Steady traffic of which every event leads to a decision, so that each lane says several times a second whether it is served. */
export interface ProbeTraffic {
  /** Resolves when everything published before is decided. */
  settled(timeoutMs: number): Promise<void>;
  /** For each lane the longest time, ms, from publishing an event since `fromMs` to its decision. */
  longestWaits(fromMs: number): ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

interface Probe {
  readonly lane: number;
  readonly atMs: number;
  decidedMs?: number;
}

/** A few orders a lane, so that none gets a long history. */
const ORDERS = 160;

/** @param partitions - into which ORDERS is divided. */
export async function startProbeTraffic(
  { nc, js }: Pick<Session, "nc" | "js">,
  { eventsPerSecond, partitions }: { readonly eventsPerSecond: number; readonly partitions: number },
): Promise<ProbeTraffic> {
  const probes = new Map<string, Probe>();
  let isStopped = false;
  let undecided = 0;
  const subscription = nc.subscribe("decisions.orders.*", {
    callback(_error, message) {
      const probe = probes.get(message.json<{ readonly causationId: string }>().causationId);
      if (probe === undefined || probe.decidedMs !== undefined) return;
      probe.decidedMs = performance.now();
      undecided--;
    },
  });
  const startMs = Date.now();
  const send = (orderId: string, eventType: string, eventId: string, fields: object) => {
    const timestamp = new Date().toISOString();
    const body = JSON.stringify({ orderId, eventType, eventId, timestamp, ...fields });
    return js.publish(`orders.${orderId}.${eventType}`, body);
  };
  const idOf = (index: number) => `probe-${startMs}-${index % ORDERS}`;
  for (let index = 0; index < ORDERS; index++) {
    await send(idOf(index), "PaymentProcessed", `paid-${index}`, { amount: 1, status: "successful" });
  }

  async function run(): Promise<void> {
    const beganMs = performance.now();
    for (let index = 0; !isStopped; index++) {
      const waitMs = beganMs + (index * 1000) / eventsPerSecond - performance.now();
      if (waitMs > 0) await delay(waitMs);
      const orderId = idOf(index);
      const eventId = `${orderId}-${index}`;
      probes.set(eventId, { lane: partitionOf(orderId, partitions), atMs: performance.now() });
      undecided++;
      const warehouseId = `warehouse-${Math.floor(index / ORDERS) % 2}`;
      // One that may not be stored is decided by nobody, and measures nothing.
      const onLost = () => {
        if (probes.delete(eventId)) undecided--;
      };
      void send(orderId, "InventoryReserved", eventId, { reservedItems: { sku: 1 }, warehouseId }).catch(onLost);
    }
  }
  const running = run();

  const since = (fromMs: number) => [...probes.values()].filter(({ atMs }) => atMs >= fromMs);
  const waitOf = ({ atMs, decidedMs = performance.now() }: Probe) => decidedMs - atMs;
  return {
    async settled(timeoutMs) {
      const now = performance.now();
      const isSettled = () => undecided === 0 || since(0).every((probe) => probe.atMs > now || probe.decidedMs);
      await until("everything published is decided", isSettled, timeoutMs);
    },
    longestWaits(fromMs) {
      const longest = new Map<number, number>();
      for (const probe of since(fromMs)) {
        longest.set(probe.lane, Math.max(longest.get(probe.lane) ?? 0, waitOf(probe)));
      }
      return longest;
    },
    async stop() {
      isStopped = true;
      await running;
      subscription.unsubscribe();
    },
  };
}
