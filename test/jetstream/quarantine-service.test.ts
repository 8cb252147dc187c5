import { connect, createInbox } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { startQueryService } from "../../src/jetstream/query-service.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { startTestServer } from "../server.ts";
import { openOrderBook, order, PARTITIONS } from "../store/order-book.ts";
import { answersOf } from "./answering.ts";

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
        ...answersOf(nc, book.queries),
        whereabouts: (_, id) => (partitions.includes(partitionOf(id, PARTITIONS)) ? "here" : "elsewhere"),
        ownedPartitions: () => partitions,
      }),
    ),
  );
  const client = createQueryClient({ nc, newInbox: createInbox });
  expect((await client.quarantined(order)).entries.map(({ orderId }) => orderId)).toEqual(ids.toSorted());
  expect(await client.quarantine(order, "o-7")).toMatchObject({ orderId: "o-7", parked: 0, events: [] });
  expect(await client.release(order, "o-7")).toBeUndefined();
  for (const service of services) await service.stop();
  await nc.close();
});
