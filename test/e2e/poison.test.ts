import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Daemon, openDaemon } from "../../src/daemon/daemon.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { createLogger } from "../../src/ops/log.ts";
import { type ThingContext, thingType } from "../flow/things.ts";
import { until } from "../until.ts";
import { openWorld, type World } from "./world.ts";

/** Its bad things chase their own tail, its view cannot be told once it is counted. */
const bad = thingType({
  target: "looping",
  view: ({ context }) => {
    const { n } = context as ThingContext;
    return { shown: n === undefined ? null : BigInt(n) };
  },
});

async function start(world: World): Promise<Daemon> {
  const env = {
    NATS_URL: world.server.url,
    NATSTATE_DATA: world.dataDir,
    NATSTATE_HTTP: "127.0.0.1:0",
    NATSTATE_PARTITIONS: "1",
  };
  return openDaemon({
    config: readConfig(env),
    env,
    types: [orderType as ActorType, bad],
    logger: createLogger({ level: "silent", pretty: false }),
    onFatal(error) {
      throw error;
    },
  });
}

async function tell(world: World, subject: string, fields: object): Promise<void> {
  const event = { eventType: subject.split(".")[2], timestamp: "2026-02-01T10:00:00Z", ...fields };
  await world.session.js.publish(subject, JSON.stringify(event));
}

it("a type gone wrong beside the orders: its actor is quarantined, also after a restart, and all else is decided", async () => {
  await using world = await openWorld();
  let daemon = await start(world);
  const decided = (count: number) =>
    until("it is decided", async () => (await world.streamSize("DECISIONS")) === count);
  try {
    await tell(world, "things.t-1.Spoiled", { thingId: "t-1" });
    await tell(world, "things.t-2.Counted", { thingId: "t-2", n: 2 });
    await tell(world, "orders.o-1.PaymentProcessed", { orderId: "o-1", amount: 5, status: "failed" });
    await tell(world, "orders.o-1.InventoryReserved", { orderId: "o-1", reservedItems: { a: 1 }, warehouseId: "west" });
    await decided(2);
    await until("it is told", async () => (await world.streamSize("DEAD_LETTERS")) === 1);
    const queries = createQueryClient(world.session);
    // An answer that cannot be told fails alone, over NATS and over HTTP.
    await expect(queries.get(bad, "t-2")).rejects.toThrow(/failed inside natstate/);
    expect((await fetch(`${daemon.httpUrl}/api/things/t-2`)).status).toBe(500);
    expect(await queries.get(orderType as ActorType, "o-1")).toMatchObject({ processingStatus: "payment_failed" });

    await daemon.stop();
    daemon = await start(world);
    await tell(world, "things.t-1.Counted", { thingId: "t-1", n: 1 });
    await tell(world, "things.t-2.Counted", { thingId: "t-2", n: 3 });
    await decided(3);
    const shown = await fetch(`${daemon.httpUrl}/api/stats?type=thing`);
    expect(await shown.json()).toMatchObject({ quarantined: 1, events: { parked: 1 } });
    expect(daemon.health()).toMatchObject({ ready: true });
  } finally {
    await daemon.stop();
  }
}, 120_000);
