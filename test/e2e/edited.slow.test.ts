import { expect, it } from "vitest";
import { partitionOf } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, type World } from "./world.ts";

const idOf = (partition: number) =>
  Array.from({ length: 500 }, (_, index) => `o-${index}`).find((id) => partitionOf(id, 16) === partition) ?? "";

async function pay(world: World, orderId: string, amount: number): Promise<void> {
  const timestamp = `2026-03-01T00:00:0${amount}Z`;
  const event = { orderId, eventType: "PaymentProcessed", timestamp, amount, status: "successful" };
  await world.session.js.publish(`orders.${orderId}.PaymentProcessed`, JSON.stringify(event));
}

const check = async (daemon: DaemonProcess, name: string) => (await getJson(daemon, "/readyz")).checks[name];
const versions = async (daemon: DaemonProcess) =>
  Promise.all([idOf(3), idOf(4)].map(async (id) => (await getJson(daemon, `/api/orders/${id}`)).version));

it("consumers edited while it runs: no event is missed, taken for another's or rejected; a pause is named and kept", async () => {
  await using world = await openWorld();
  const { jsm } = world.session;
  const daemon = await world.start();
  const settings = async () => (await jsm.consumers.info("ORDERS", "orders-3")).config;
  let amount = 0;
  for (const edit of [{ filter_subject: "orders.4.>" }, { headers_only: true }]) {
    await jsm.consumers.update("ORDERS", "orders-3", edit);
    amount++;
    for (const partition of [3, 4]) await pay(world, idOf(partition), amount);
    await until("both are applied", async () => (await versions(daemon)).join() === `${amount},${amount}`, 60_000);
    expect(await settings()).toMatchObject({ filter_subject: "orders.3.>" });
    expect(await settings()).not.toHaveProperty("headers_only");
  }
  expect(await world.streamSize("DEAD_LETTERS")).toBe(0);
  expect(daemon.output()).toMatch(/consumer had been changed, it is as it was again/);

  await jsm.consumers.pause("ORDERS", "orders-3", new Date(Date.now() + 600_000));
  const partitions = await until("the pause is told", async () => {
    const { ok, detail } = await check(daemon, "partitions");
    // Until consumers are looked at again it may still tell of the edit before.
    return !ok && detail.includes("paused") && detail;
  });
  expect(partitions).toMatch(/orders-3 .*is paused until .*nats consumer resume ORDERS orders-3/);
  await jsm.consumers.resume("ORDERS", "orders-3");
  await until("ready", async () => (await fetch(`${daemon.httpUrl}/readyz`)).ok);
}, 360_000);

it("what a narrowed consumer left out is read once it is noticed, though later messages were applied", async () => {
  await using world = await openWorld();
  const { jsm, js } = world.session;
  const daemon = await world.start();
  const id = idOf(3);
  await pay(world, id, 1);
  await until("the first is applied", async () => (await getJson(daemon, `/api/orders/${id}`)).version === 1);
  await jsm.consumers.update("ORDERS", "orders-3", { filter_subject: "orders.3.*.PaymentProcessed" });
  const reserved = { orderId: id, eventType: "InventoryReserved", timestamp: "2026-03-01T00:00:01Z" };
  await js.publish(
    `orders.${id}.InventoryReserved`,
    JSON.stringify({ ...reserved, reservedItems: { a: 1 }, warehouseId: "w" }),
  );
  await pay(world, id, 2);
  await until("all are applied", async () => (await getJson(daemon, `/api/orders/${id}`)).version === 3, 60_000);
  const { events } = await getJson(daemon, "/api/stats");
  expect(events).toMatchObject({ applied: 3, duplicate: 0 });
}, 270_000);

it("DECISIONS edited while it runs so that it keeps the latest only: named once, with the command; what is read goes on", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  await world.session.jsm.streams.update("DECISIONS", { max_msgs_per_subject: 1 });
  const detail = await until("it is told", async () => {
    const { ok, detail: told } = await check(daemon, "streams");
    return !ok && told;
  });
  expect(detail).toMatch(/nats stream edit DECISIONS --max-msgs-per-subject=-1/);
  await pay(world, idOf(3), 1);
  await until("it is applied", async () => (await getJson(daemon, `/api/orders/${idOf(3)}`)).version === 1);
  await world.session.jsm.streams.update("DECISIONS", { max_msgs_per_subject: -1 });
  await until("ready", async () => (await fetch(`${daemon.httpUrl}/readyz`)).ok);
  expect(daemon.output().match(/max_msgs_per_subject is 1/g)).toHaveLength(1);
}, 180_000);
