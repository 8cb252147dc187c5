import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { getJson } from "./world.ts";

/** Users by what they may not do; who gives no name may do all. */
const USERS = `
authorization {
  users: [
    { user: all, password: x }
    { user: mayNotAsk, password: x, permissions { publish { deny: ["natstate.daemons", "natstate.daemons.>"] } } }
    { user: mayNotAnswer, password: x, permissions { subscribe { deny: ["natstate.daemons", "natstate.daemons.>"] } } }
  ]
}
no_auth_user: all
jetstream {`;
const REFUSED = {
  mayNotAsk: "NATS does not let this user publish natstate.daemons,",
  mayNotAnswer: "NATS does not let this user subscribe to natstate.daemons,",
};
const REFUSED_IN_DOCTOR = {
  mayNotAsk: /let this user publish natstate\.daemons, publish natstate\.daemons\.>: /,
  mayNotAnswer: /let this user subscribe to natstate\.daemons, subscribe to natstate\.daemons\.>: /,
};
const ALLOW = 'allow the processor to publish and to subscribe to "natstate.daemons" and "natstate.daemons.>"';

let server: TestServer;
let session: Session;
let daemons: DaemonProcess[];
let dataDirs: string[];
beforeEach(async () => {
  [daemons, dataDirs] = [[], []];
  server = await startTestServer({ "jetstream {": USERS });
  session = await openSession({ url: server.url, name: "test" }, () => {});
});
afterEach(async () => {
  for (const daemon of daemons) await daemon.stop();
  await session.close();
  await server.stop();
  for (const dataDir of dataDirs) rmSync(dataDir, { recursive: true });
});

const urlOf = (user: string) => server.url.replace("//", `//${user}:x@`);

async function start(user: "all" | keyof typeof REFUSED): Promise<DaemonProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-denied-"));
  dataDirs.push(dataDir);
  const env = { NATS_URL: urlOf(user), NATSTATE_DATA: dataDir };
  const daemon = await startDaemonProcess(env, [], 60_000, user === "all" ? "ready" : "up");
  daemons.push(daemon);
  return daemon;
}

const partitionsOf = async (daemon: DaemonProcess) => (await getJson(daemon, "/readyz")).checks.partitions;
/** So many of `natstate_partitions_owned`. */
async function read(daemon: DaemonProcess): Promise<number> {
  const text = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  return Number(/^natstate_partitions_owned(?:\{.*\})? (\d+)$/m.exec(text)?.[1]);
}

async function decide(orderId: string): Promise<void> {
  const at = new Date().toISOString();
  const event = (eventType: string, rest: object) =>
    session.js.publish(
      `orders.${orderId}.${eventType}`,
      JSON.stringify({ orderId, eventType, timestamp: at, ...rest }),
    );
  await event("PaymentProcessed", { amount: 1, status: "failed" });
  await event("InventoryReserved", { warehouseId: "w", reservedItems: { sku: 1 } });
  await until(
    `${orderId} is decided`,
    async () =>
      (await session.jsm.streams.info("DECISIONS", { subjects_filter: `decisions.orders.${orderId}` })).state.subjects,
    30_000,
  );
}

it.each(["mayNotAsk", "mayNotAnswer"] as const)(
  "%s: alone it decides, and says what to allow",
  async (user) => {
    const daemon = await start(user);
    const partitions = await until("it reads all", async () => {
      const check = await partitionsOf(daemon);
      return check.detail.startsWith("16 of 16") && check;
    });
    expect(partitions).toMatchObject({ ok: false, detail: expect.stringContaining(REFUSED[user]) });
    expect(partitions.detail).toContain(ALLOW);
    await until("the log says it", () =>
      daemon.output().includes("allow the processor to publish and to subscribe to"),
    );
    await decide("o-1");
    const examined = await runCli(["doctor"], {
      ...{ NATS_URL: urlOf(user), NATSTATE_DATA: dataDirs[0] ?? "", PATH: process.env.PATH ?? "" },
    });
    expect(examined.code, examined.stdout).toBe(4);
    const [line = ""] = examined.stdout.split("\n").filter((each) => each.startsWith("PROBLEM"));
    expect(line).toMatch(REFUSED_IN_DOCTOR[user]);
    expect(line).toContain(ALLOW);
  },
  60_000,
);

it.each(["mayNotAsk", "mayNotAnswer"] as const)(
  "%s: beside another one it takes nothing from it",
  async (user) => {
    const other = await start("all");
    await until("it reads all", async () => (await read(other)) === 16);
    const daemon = await start(user);
    await until("it says so", async () => (await partitionsOf(daemon)).detail.includes(REFUSED[user]));
    // Of whom it hears of, some are shared with it when it can be asked; what it reads it was given.
    for (const id of Array.from({ length: 20 }, (_, index) => `o-${index}`)) await decide(id);
    // One that is on its way from one to the other is read by none of them for a moment.
    await until("each is read by one of them", async () => (await read(other)) + (await read(daemon)) === 16);
    expect(other.output()).not.toContain("unpinned");
    if (user === "mayNotAnswer") expect(await read(daemon)).toBe(0);
  },
  90_000,
);

it("two that may not ask read each partition once", async () => {
  const first = await start("mayNotAsk");
  await until("it reads all", async () => (await read(first)) === 16);
  const second = await start("mayNotAsk");
  await until("it waits", async () => (await partitionsOf(second)).detail.includes("another daemon reads it"), 30_000);
  expect(await read(first)).toBe(16);
  expect(await read(second)).toBe(0);
  await decide("o-1");
  await first.kill9();
  daemons.splice(0, 1);
  await until("the other reads all", async () => (await read(second)) === 16, 30_000);
  await decide("o-2");
}, 90_000);
