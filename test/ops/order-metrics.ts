import { expect } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import { createMetrics, type Metrics } from "../../src/ops/metrics.ts";
import { type Family, parseExposition } from "./exposition.ts";
import { openPath, orderMessage, STORED_AT_MS } from "./order-path.ts";

const [orderType = expect.fail("no actor type")] = actorTypes;

/** Lane 0 of the first actor type. */
export const LANE = { type: orderType, stream: "ORDERS", partition: 0 };

/** 40 ms after the stream stored what is measured. */
export const COMMITTED_AT_MS = STORED_AT_MS + 40;

/** 300 ms after the stream stored what is measured. */
export const PUBLISHED_AT_MS = STORED_AT_MS + 300;

/** Metrics of every registered type, nothing counted yet. */
export function newMetrics(): Metrics {
  return createMetrics({ types: actorTypes });
}

/** Everything shown, read back. */
export async function scrape(metrics: Metrics): Promise<Map<string, Family>> {
  return parseExposition((await metrics.render()).body);
}

/** A payment. */
export const paid = (orderId: string, eventId: string, second: number, status = "successful") => ({
  ...orderMessage(orderId, "PaymentProcessed", eventId, second),
  amount: 1,
  status,
});

/** A reservation. */
export const reserved = (orderId: string, eventId: string, second: number) => ({
  ...orderMessage(orderId, "InventoryReserved", eventId, second),
  reservedItems: { sku: 1 },
  warehouseId: "west",
});

/** Metrics after one batch of the real processor. */
export async function afterBatch(...messages: Parameters<ReturnType<typeof openPath>["apply"]>) {
  using path = openPath();
  const metrics = newMetrics();
  const result = path.apply(...messages);
  metrics.committed(result, 4, COMMITTED_AT_MS);
  return { metrics, result, families: await scrape(metrics) };
}
