import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createQueryClient } from "../../src/jetstream/query-client.ts";
import { startQueryService } from "../../src/jetstream/query-service.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { startTestServer } from "../server.ts";
import { openOrderBook, order, PARTITIONS } from "../store/order-book.ts";

it("a quarantine larger than an answer, spread over two daemons, is listed whole and in order", async () => {
  await using server = await startTestServer();
  using book = openOrderBook();
  const ids = Array.from({ length: 1300 }, (_, index) => `o-${index}`);
  // Nearly all in one daemon's partition, so that their pages end at different ids.
  const insert = book.db.prepare("INSERT INTO quarantine VALUES ('order', ?, ?, 'PaymentProcessed', 'no', 0)");
  for (const id of ids) insert.run(id, partitionOf(id, PARTITIONS));
  const nc = await connect({ servers: server.url });
  const services = await Promise.all(
    [[0], [1, 2, 3]].map((partitions) =>
      startQueryService({
        nc,
        types: [order],
        queries: book.queries,
        quarantine: { ...book.queries, release: () => undefined },
        whereabouts: (_: ActorType, id) => (partitions.includes(partitionOf(id, PARTITIONS)) ? "here" : "elsewhere"),
        ownedPartitions: () => partitions,
        cluster: "test@1",
        instance: "test",
        version: "0.1.0",
      }),
    ),
  );
  const client = createQueryClient(nc);
  expect((await client.quarantined(order)).map(({ orderId }) => orderId)).toEqual(ids.toSorted());
  expect(await client.quarantine(order, "o-7")).toMatchObject({ orderId: "o-7", parked: 0, events: [] });
  expect(await client.release(order, "o-7")).toBeUndefined();
  for (const service of services) await service.stop();
  await nc.close();
});
