import { expect, it } from "vitest";
import { partitionOf } from "../../src/wire/names.ts";
import { refusal } from "./refusal.ts";
import { getJson, openWorld, traffic } from "./world.ts";

it("a stream made anew under the same name is refused, while running and at start, until it is accepted", async () => {
  await using world = await openWorld();
  const first = traffic(20, 31, { malformed: 2 });
  const daemon = await world.start();
  await world.publish(first);
  await world.settle(daemon);
  await world.session.jsm.streams.delete("ORDERS");
  // The consumers are gone with it; a daemon that went on would skip every new message as already applied.
  expect(await daemon.exited).toBe(1);
  expect(daemon.output()).toMatch(/stream not found|--accept-stream ORDERS/);

  await (await world.start({ NATSTATE_DATA: `${world.dataDir}/other` })).stop();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  expect((await refusal(env)).output).toMatch(/natstate start --accept-stream ORDERS/);

  const second = traffic(20, 32, { malformed: 3, idPrefix: "second-" });
  const accepted = await world.start({}, ["--accept-stream", "ORDERS"]);
  await world.publish(second);
  for (const message of second) {
    if (message.actorId === undefined) continue;
    await expect
      .poll(async () => (await getJson(accepted, `/api/orders/${message.actorId}`)).orderId)
      .toBe(message.actorId);
  }
});

it("messages that are gone before they were read are refused, until the loss is accepted", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  const first = traffic(20, 33, { malformed: 0 });
  await world.publish(first);
  await world.settle(daemon);
  await daemon.stop();
  const second = traffic(20, 34, { malformed: 0, idPrefix: "second-" });
  await world.publish(second);
  const { state } = await world.session.jsm.streams.info("ORDERS");
  await world.session.jsm.streams.purge("ORDERS", { seq: state.last_seq - 5 });
  const { code, output } = await refusal({ NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });
  expect(code).toBe(1);
  expect(output).toMatch(/were never read.*--accept-stream ORDERS/s);
  await (await world.start({}, ["--accept-stream", "ORDERS"])).stop();
  expect(await (await world.start()).stop()).toBe(0);
});

it("unread messages purged by subject while it runs, with later ones behind them: it stops and says so, until accepted", async () => {
  await using world = await openWorld();
  const { jsm, js } = world.session;
  const daemon = await world.start();
  const ids = Array.from({ length: 200 }, (_, index) => `o-${index}`).filter((id) => partitionOf(id, 16) === 3);
  const event = (id: string) =>
    JSON.stringify({ orderId: id, eventType: "OrderCreated", timestamp: "2026-03-01T00:00:00Z" });
  // What keeps a partition from being read does not matter; this is one that can be ended.
  await jsm.consumers.pause("ORDERS", "orders-3", new Date(Date.now() + 60_000));
  await js.publish(`orders.${ids[0]}.OrderCreated`, event(ids[0] ?? ""));
  await jsm.streams.purge("ORDERS", { filter: "orders.3.>" });
  await js.publish(`orders.${ids[1]}.OrderCreated`, event(ids[1] ?? ""));
  await jsm.consumers.resume("ORDERS", "orders-3");
  expect(await daemon.exited).toBe(1);
  expect(daemon.output()).toMatch(/were never read.*--accept-stream ORDERS/s);
  const { code, output } = await refusal({ NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });
  expect(code).toBe(1);
  expect(output).toMatch(/between 1 and 1 that were never read.*--accept-stream ORDERS/s);
  await (await world.start({}, ["--accept-stream", "ORDERS"])).stop();
  expect(await (await world.start()).stop()).toBe(0);
});

it("messages that are gone after they were read are nobody's loss", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  await world.publish(traffic(20, 35, { malformed: 0 }));
  await world.settle(daemon);
  await daemon.stop();
  await world.session.jsm.streams.purge("ORDERS");
  expect(await (await world.start()).stop()).toBe(0);
});

it("what the server or its streams are not made for is refused: message size, partitions", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  // The test server's max_payload is 2 MiB: no room for the dead letter of the largest message.
  const large = await refusal({ ...env, NATSTATE_MAX_MESSAGE_BYTES: "2097152" });
  expect(large).toMatchObject({
    code: 1,
    output: expect.stringMatching(/Set it to at most 2031616, or raise max_payload/),
  });
  await (await world.start()).stop();
  const partitions = await refusal({ ...env, NATSTATE_PARTITIONS: "8" });
  expect(partitions).toMatchObject({ code: 1, output: expect.stringMatching(/stream ORDERS is not as configured/) });
});
