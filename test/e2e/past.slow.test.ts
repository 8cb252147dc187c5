import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { messagesOn } from "../../src/jetstream/leader-reader.ts";
import { until } from "../until.ts";
import { getJson, openWorld, type World } from "./world.ts";

const IDS = ["a", "b", "c"];

function event(id: string, eventType: string, part: number, fields: object): TrafficMessage {
  const timestamp = `2026-02-01T10:00:0${part}Z`;
  const body = { orderId: id, eventType, eventId: `${eventType}-${part}`, timestamp, ...fields };
  return { subject: `orders.${id}.${eventType}`, body: JSON.stringify(body) };
}

/** Rejected, then confirmed, then confirmed again with other days. */
const past = IDS.flatMap((id) => [
  event(id, "InventoryReserved", 1, { reservedItems: { sku: 1 }, warehouseId: "west" }),
  event(id, "PaymentProcessed", 1, { amount: 1, status: "failed" }),
  event(id, "PaymentProcessed", 2, { amount: 1, status: "successful" }),
  event(id, "ShippingCalculated", 3, { shippingCost: 1, estimatedDays: 3 }),
]);

async function told({ session }: World, id: string): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for await (const { body } of messagesOn(session.jsm, "DECISIONS", `decisions.orders.${id}`)) {
    const { revision, decisionType } = JSON.parse(Buffer.from(body).toString());
    found.push([revision, decisionType]);
  }
  return found;
}

it("of decisions whose earlier revisions are gone, an empty store says nothing anew, and goes on after the newest", async () => {
  await using world = await openWorld();
  const first = await world.start();
  await world.publish(past);
  await world.settle(first);
  await first.kill9();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${world.storeFile}${suffix}`, { force: true });
  for (const id of IDS)
    await world.session.jsm.streams.purge("DECISIONS", { filter: `decisions.orders.${id}`, keep: 1 });
  const { state } = await world.session.jsm.streams.info("DECISIONS");

  const second = await world.start();
  const decisionOf = async (id: string) => (await getJson(second, `/api/orders/${id}`)).decision?.revision;
  for (const id of IDS) await expect.poll(() => decisionOf(id), { timeout: 10_000 }).toBe(3);
  expect((await world.session.jsm.streams.info("DECISIONS")).state.last_seq).toBe(state.last_seq);

  await world.publish(IDS.map((id) => event(id, "PaymentProcessed", 4, { amount: 1, status: "failed" })));
  for (const id of IDS) {
    await expect
      .poll(() => told(world, id), { timeout: 10_000 })
      .toEqual([
        [3, "OrderConfirmed"],
        [4, "OrderRejected"],
      ]);
  }
});

it("one message with a revision where numbers end stops no order, not its own either", async () => {
  await using world = await openWorld();
  const first = await world.start();
  const forge = (id: string) =>
    world.publish([
      {
        subject: `decisions.orders.${id}`,
        body: JSON.stringify({
          decisionType: "OrderConfirmed",
          orderId: id,
          revision: Number.MAX_SAFE_INTEGER,
          warehouseId: "evil",
        }),
        headers: { "Natstate-Revision": String(Number.MAX_SAFE_INTEGER) },
      },
    ]);
  await forge("a");
  await world.publish(past);
  await world.settle(first);
  await forge("b");
  await first.kill9();
  const second = await world.start();
  await world.publish(IDS.map((id) => event(id, "PaymentProcessed", 4, { amount: 1, status: "failed" })));
  for (const id of IDS) {
    await expect
      .poll(async () => (await told(world, id)).filter(([revision]) => revision < 100).at(-1), { timeout: 10_000 })
      .toEqual([4, "OrderRejected"]);
  }
  const named = second
    .output()
    .split("\n")
    .filter((line) => line.includes("did not write"));
  expect(named.length).toBeLessThanOrEqual(2);
  await until("it is ready", async () => (await fetch(`${second.httpUrl}/readyz`)).ok);
});
