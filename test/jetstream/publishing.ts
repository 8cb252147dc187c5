import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { LedgerRow } from "../../src/flow/rows.ts";
import { createStreamPublisher, type StreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { decisionsOn } from "../../src/jetstream/published-decisions.ts";
import { createPublisher, type Publisher, type PublisherOptions } from "../../src/jetstream/publisher.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import type { Station } from "../flow/station.ts";
import { startTestServer, type TestServer, TOPOLOGY } from "../server.ts";

export let server: TestServer;
export let session: Session;
export let streams: StreamPublisher;
export let order: string;
export let count = 0;

/** A server with the streams, and a new order for each test. */
export function usePublishing(): void {
  beforeAll(async () => {
    server = await startTestServer();
    session = await openSession({ url: server.url, name: "test" }, () => {});
    streams = createStreamPublisher(session, 5000);
    await ensureStreams(session.jsm, [orderLane.type], { ...TOPOLOGY, partitions: 4 });
  });
  afterAll(async () => {
    streams.stop();
    await session.close();
    await server.stop();
  });
  beforeEach(() => {
    order = `o-${++count}`;
  });
}

export function publisherOf(
  station: Station,
  changes: Partial<PublisherOptions> = {},
): Publisher & { troubles: string[] } {
  const troubles: string[] = [];
  const publisher = createPublisher({
    streams,
    jsm: session.jsm,
    outbox: station.outbox,
    laneOf: () => orderLane,
    maxInFlight: 16,
    isConnected: () => true,
    beforeRetry: () => Promise.resolve(),
    onForeign: () => {},
    ...changes,
    onPublished: () => {},
    onReconciled: (lane, id) => station.actors.evict(lane, id),
    onTrouble: (error) => troubles.push(error.message),
    onProgress: () => {},
  });
  return { ...publisher, troubles };
}

/** Three revisions: 5, 3 and 9 days. */
export function decide(station: Station): readonly LedgerRow[] {
  return station.processor.apply([
    orderEvent(1, order, "PaymentProcessed", 1),
    orderEvent(2, order, "InventoryReserved", 2),
    orderEvent(3, order, "ShippingCalculated", { second: 3, estimatedDays: 3 }),
    orderEvent(4, order, "ShippingCalculated", { second: 4, estimatedDays: 9 }),
  ]).decisions;
}

export const told = async () =>
  (await decisionsOn(session.jsm, orderLane.type, order)).decisions.map(({ payload }) => {
    const { revision, estimatedDays } = JSON.parse(payload);
    return [revision, estimatedDays];
  });

export async function publishByOther(
  revision: number,
  estimatedDays: number,
  hasId = true,
  payload?: string,
): Promise<void> {
  const header = headers();
  header.set("Natstate-Revision", String(revision));
  const content = {
    decisionType: "OrderConfirmed",
    orderId: order,
    revision,
    warehouseId: "warehouse-west",
    estimatedDays,
  };
  await session.js.publish(`decisions.orders.${order}`, payload ?? JSON.stringify(content), {
    ...(hasId && { msgID: `orders:${order}:${revision}` }),
    headers: header,
  });
}
