import { pino } from "pino";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Daemon, openDaemon } from "../../src/daemon/daemon.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { openWorld, type World } from "./world.ts";

const FIELDS = {
  PaymentProcessed: { amount: 10, status: "successful" },
  InventoryReserved: { reservedItems: { sku: 1 }, warehouseId: "west" },
};

/** The order type, whose rule fails on orders of warehouse `west` until it is mended. */
function breakable() {
  const rule = { broken: true };
  const type: ActorType = {
    ...(orderType as ActorType),
    conclude(actor) {
      const { inventory } = actor.context as { inventory?: { data: { warehouseId: string } } };
      if (rule.broken && inventory?.data.warehouseId === "west") throw new Error("west of what?");
      return orderType.conclude(actor as Parameters<typeof orderType.conclude>[0]);
    },
  };
  return { rule, type };
}

async function start(world: World, type: ActorType): Promise<Daemon> {
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir, NATSTATE_HTTP: "off" };
  const logger = pino({ level: "silent" });
  return openDaemon({ config: readConfig(env), env, types: [type], logger, onFatal: () => {} });
}

async function send(world: World, orderId: string, eventType: keyof typeof FIELDS, second: number): Promise<void> {
  const timestamp = new Date(Date.parse("2026-02-01T00:00:00Z") + second * 1000).toISOString();
  const event = { orderId, eventType, eventId: `${eventType}-${second}`, timestamp, ...FIELDS[eventType] };
  await world.session.js.publish(`orders.${orderId}.${eventType}`, JSON.stringify(event));
}

it("quarantined orders are listed, shown and, after a fix, released: their decisions are published in order", async () => {
  await using world = await openWorld();
  const { rule, type } = breakable();
  const daemon = await start(world, type);
  const run = (...args: string[]) =>
    runCli(["quarantine", ...args], { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });
  try {
    for (const id of ["o-1", "o-2"]) {
      await send(world, id, "PaymentProcessed", 1);
      await send(world, id, "InventoryReserved", 2);
      await send(world, id, "PaymentProcessed", 3);
    }
    await until("both are quarantined", async () => {
      const { stdout } = await run("list", "--json");
      const { orders = [] } = JSON.parse(stdout || "{}") as { orders?: { parked: number }[] };
      return orders.length === 2 && orders.every(({ parked }) => parked === 2);
    });
    const [list, shown, nobody, badId, early] = await Promise.all([
      run("list"),
      run("show", "o-1", "--json"),
      run("show", "o-9"),
      run("release", "o.9"),
      run("release", "o-1"),
    ]);
    expect(list.stdout).toMatch(
      /o-1 .* 2 +InventoryReserved +order machine failed on InventoryReserved: west of what\?/,
    );
    expect(JSON.parse(shown.stdout)).toMatchObject({
      orderId: "o-1",
      eventType: "InventoryReserved",
      parked: 2,
      events: [
        { eventType: "InventoryReserved", body: expect.stringContaining("west") },
        { eventType: "PaymentProcessed" },
      ],
    });
    expect([nobody.code, badId.code, early.code]).toEqual([3, 2, 1]);
    expect(early.stdout).toMatch(/quarantined again.*2 kept back/);
    expect(await world.streamSize("DECISIONS")).toBe(0);
    const cli = (...args: string[]) => runCli(args, { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });
    const [got, one, rest] = await Promise.all([
      cli("get", "o-1"),
      cli("dead-letters", "redrive", "1"),
      cli("dead-letters", "redrive", "--all"),
    ]);
    expect(got.stdout).toMatch(/QUARANTINED since .*: order machine failed.*\n.*npx natstate quarantine release o-1/);
    expect([one.code, one.stdout]).toEqual([
      1,
      expect.stringMatching(/kept back in quarantine.*quarantine release o-/),
    ]);
    expect([rest.code, rest.stdout]).toEqual([0, "2 left to their quarantine: npx natstate quarantine list\n"]);

    rule.broken = false;
    expect(await run("release", "o-1")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/released: 2 applied/),
    });
    expect(await run("release", "o-1")).toMatchObject({ code: 3 });
    const all = await run("release", "--all", "--json");
    expect(JSON.parse(all.stdout)).toMatchObject({ orders: [{ orderId: "o-2", released: true, decisions: 1 }] });
    expect((await run("list")).stdout).toBe("nothing is quarantined\n");
    await until("decisions are published", async () => (await world.streamSize("DECISIONS")) === 2);
  } finally {
    await daemon.stop();
  }
}, 120_000);
