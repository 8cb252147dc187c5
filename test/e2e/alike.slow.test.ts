import { join } from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { readConfig } from "../../src/config/config.ts";
import { openDaemon } from "../../src/daemon/daemon.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { completeTo, partitions } from "./partitions.ts";
import { countRows, duplicates, RETAIN, tick } from "./retired-orders.ts";
import { getJson, openWorld, traffic } from "./world.ts";

const both = ["first", "second"] as const;

it("orders released with their owners are released with the standby that takes over", async () => {
  await using world = await openWorld();
  const rule = { broken: true };
  const type: ActorType = {
    ...(orderType as ActorType),
    conclude(actor) {
      if (rule.broken && "inventory" in (actor.context as object)) throw new Error("not yet");
      return orderType.conclude(actor as Parameters<typeof orderType.conclude>[0]);
    },
  };
  const open = (name: string) => {
    const env = { NATS_URL: world.server.url, NATSTATE_DATA: join(world.dataDir, name), NATSTATE_STANDBYS: "1" };
    const logger = pino({ level: "silent" });
    return openDaemon({
      ...{ config: readConfig({ ...env, NATSTATE_HTTP: "off" }), env, types: [type], logger, onFatal() {} },
    });
  };
  const first = await open("first");
  const second = await open("second");
  const held = (daemon: typeof first) => daemon.partitions().get("ORDERS")?.length ?? 0;
  const quarantined = (name: string) => countRows(join(world.dataDir, name, "natstate.db"), "quarantine");
  try {
    await until("half each", () => held(first) === 8 && held(second) === 8);
    const ids = Array.from({ length: 20 }, (_, index) => `o-${index}`);
    for (const orderId of ids) {
      const facts = [
        { eventType: "PaymentProcessed", amount: 10, status: "successful" },
        { eventType: "InventoryReserved", reservedItems: { sku: 1 }, warehouseId: "west" },
      ];
      for (const fact of facts) {
        const event = { orderId, eventId: `${fact.eventType}-1`, timestamp: "2026-02-01T00:00:00Z", ...fact };
        await world.session.js.publish(`orders.${orderId}.${fact.eventType}`, JSON.stringify(event));
      }
    }
    await until("all are quarantined, with both", () => both.every((name) => quarantined(name) === ids.length), 30_000);
    rule.broken = false;
    const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
    const released = await runCli(["quarantine", "release", "--all", "--json"], env);
    expect(JSON.parse(released.stdout).orders).toHaveLength(ids.length);
    await until("nobody is, with both", () => both.every((name) => quarantined(name) === 0), 15_000);
    await second.stop();
    await until("the first has all", () => held(first) === 16);
    expect((await runCli(["quarantine", "list"], env)).stdout).toBe("nothing is quarantined\n");
    for (const id of ids) {
      const got = await runCli(["get", id, "--json"], env);
      expect(JSON.parse(got.stdout)).toMatchObject({ decision: { decisionType: "OrderConfirmed", revision: 1 } });
    }
    expect(await world.streamSize("DECISIONS")).toBe(ids.length);
  } finally {
    await second.stop();
    await first.stop();
  }
}, 120_000);

it("orders retired by their owners are retired by the standby too, and come back there for a late event", async () => {
  await using world = await openWorld();
  const messages = traffic(80, 95, { malformed: 4 });
  const files = both.map((name) => join(world.dataDir, name, "natstate.db"));
  const env = (name: string) => ({ NATSTATE_DATA: join(world.dataDir, name), NATSTATE_STANDBYS: "1", ...RETAIN });
  const first = await world.start(env("first"));
  const second = await world.start(env("second"));
  await until("half each", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await world.publish(messages);
  await world.settle(first);
  const decided = "actors WHERE decision_type IS NOT NULL";
  // What is to be retired has to be older than what was heard last.
  await until("some time has passed", async () => {
    const { state } = await world.session.jsm.streams.info("ORDERS");
    return Date.now() - Date.parse(state.last_ts ?? "") > 300;
  });
  const ticked = [tick()];
  await world.publish(ticked);
  const total = (rows: string) => files.map((file) => countRows(file, rows));
  await until("both have retired everything that is decided", () => total(decided).every((rows) => rows === 0), 60_000);
  const [here, there] = total("retired");
  expect(here).toBeGreaterThan(20);
  expect(there).toBe(here);
  // Each is to come back, with its owner and with its standby, and is retired again.
  const again = duplicates(messages);
  await world.publish(again);
  const { last_seq } = (await world.session.jsm.streams.info("ORDERS")).state;
  await until("both have applied it", () =>
    both.every((name) => completeTo(join(world.dataDir, name), last_seq) === 16),
  );
  await until("nothing waits", () => total("parked").every((rows) => rows === 0), 30_000);
  await until("all are retired again", () => total(decided).every((rows) => rows === 0), 60_000);
  await second.kill9();
  await until("the first has taken over", async () => (await partitions(first)) === 16);
  expect((await getJson(first, "/api/stats")).retired).toBe(here);
  await world.publish(again);
  await first.stop();
  const last = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  await until("all are back", () => total("retired")[0] === 0 && total("parked")[0] === 0, 30_000);
  await world.settle(last);
  await world.check(last, [...messages, ...ticked, ...again, ...again]);
}, 240_000);
