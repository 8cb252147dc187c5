import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Command } from "commander";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { addActorReads } from "../../src/cli/actors.ts";
import { addQuarantine } from "../../src/cli/quarantine.ts";
import { addTop } from "../../src/cli/top.ts";
import { addVerify } from "../../src/cli/verify.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Daemon, openDaemon } from "../../src/daemon/daemon.ts";
import { runSimulation, simulationDefaults } from "../../src/demo/simulate.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { createLogger } from "../../src/ops/log.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage } from "../console/browser.ts";
import { parcelType } from "../parcel.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

const types = [orderType as ActorType, parcelType];
const dataDir = mkdtempSync(join(tmpdir(), "natstate-two-types-"));
const chromium = findChromium();

let server: TestServer;
let session: Session;
let daemon: Daemon;
let browser: Browser | undefined;

beforeAll(async () => {
  server = await startTestServer();
  daemon = await start(types);
  session = await openSession({ url: server.url, name: "test" }, () => {});
  if (chromium !== undefined) browser = await launchBrowser(chromium);
  await send("parcels.p-1.ParcelDelivered", { parcelId: "p-1", to: "the neighbour" }, 2);
  await send("parcels.p-1.ParcelScanned", { parcelId: "p-1", place: "Graz" }, 1);
  await send("parcels.p-2.ParcelScanned", { parcelId: "p-2", place: "Wien" }, 1);
  // The same id as a parcel's: another actor.
  await send("orders.p-1.PaymentProcessed", { orderId: "p-1", amount: 5, status: "failed" }, 1);
  await send("orders.p-1.InventoryReserved", { orderId: "p-1", reservedItems: {}, warehouseId: "west" }, 2);
  await session.js.publish("parcels.p-3.ParcelScanned", "{");
  await until("all is decided", async () => {
    const [orders, parcels] = [await ask("/api/stats"), await ask("/api/stats?type=parcel")];
    return orders.events.applied === 2 && parcels.events.applied === 3 && (await size("DECISIONS")) === 2;
  });
  await until("the dead letter is published", async () => (await size("DEAD_LETTERS")) === 1);
});

afterAll(async () => {
  await browser?.close();
  await session?.close();
  await daemon?.stop();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

function start(running: readonly ActorType[]): Promise<Daemon> {
  const env = { NATS_URL: server.url, NATSTATE_DATA: dataDir, NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_PARTITIONS: "4" };
  return openDaemon({
    config: readConfig(env),
    env,
    types: running,
    logger: createLogger({ level: "silent", pretty: false }),
    onFatal(error) {
      throw error;
    },
  });
}

async function send(subject: string, fields: object, second: number): Promise<void> {
  const [, , eventType = ""] = subject.split(".");
  const event = { eventType, eventId: `${eventType}-${second}`, timestamp: `2026-02-01T10:00:0${second}Z`, ...fields };
  await session.js.publish(subject, JSON.stringify(event));
}

// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
async function ask(path: string): Promise<any> {
  return (await fetch(`${daemon.httpUrl}${path}`)).json();
}

/** What a command of this build prints as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
async function command(...args: string[]): Promise<any> {
  const program = new Command();
  for (const add of [addActorReads, addQuarantine, addTop, addVerify]) add(program, types);
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  try {
    await program.parseAsync([...args, "--nats", server.url], { from: "user" });
  } finally {
    write.mockRestore();
  }
  return JSON.parse(out);
}

const size = async (stream: string) => (await session.jsm.streams.info(stream)).state.messages;

describe("two actor types in one daemon", () => {
  it("have streams of their own, and their decisions and dead letters subjects of their own", async () => {
    expect([await size("ORDERS"), await size("PARCELS")]).toEqual([2, 4]);
    const subjects: string[] = [];
    for (const stream of ["DECISIONS", "DEAD_LETTERS"]) {
      for await (const batch of readStream(session, stream)) subjects.push(...batch.map(({ subject }) => subject));
    }
    expect(subjects.sort()).toEqual([
      "deadletters.parcels.malformed_json",
      "decisions.orders.p-1",
      "decisions.parcels.p-1",
    ]);
  });

  it("are asked about apart, over HTTP and over NATS", async () => {
    expect(await ask("/api/parcels/p-1")).toMatchObject({
      parcelId: "p-1",
      processingStatus: "delivered",
      dataCompleteness: 100,
      decision: { decisionType: "ParcelArrived", to: "the neighbour", revision: 1 },
      lastScan: { place: "Graz" },
      waitingFor: [],
    });
    expect(await ask("/api/orders/p-1")).toMatchObject({ orderId: "p-1", processingStatus: "payment_failed" });
    expect((await ask("/api/parcels?waitingFor=ParcelDelivered")).parcels).toMatchObject([{ parcelId: "p-2" }]);
    expect((await ask("/api/dead-letters")).deadLetters).toEqual([]);
    expect((await ask("/api/dead-letters?type=parcel")).deadLetters).toMatchObject([{ stream: "PARCELS" }]);
    const queries = createQueryClient(session);
    expect(await queries.get(parcelType, "p-2")).toMatchObject({ parcelId: "p-2", processingStatus: "travelling" });
    expect(await queries.stats(parcelType)).toMatchObject({ parcels: { total: 2 } });
  });

  it("are both answered for by every command, unless one is named", async () => {
    const counted = await command("stats", "--json");
    expect(counted).toMatchObject({ orders: { total: 1 }, parcels: { total: 2 }, events: { applied: 5 } });
    expect(await command("stats", "--type", "parcel", "--json")).toMatchObject({ events: { applied: 3 } });
    expect(await command("get", "p-2", "--json")).toMatchObject({ parcelId: "p-2" });
    expect(await command("get", "p-1", "--type", "parcel", "--json")).toMatchObject({ parcelId: "p-1" });
    expect(await command("list", "--json")).toMatchObject({ orders: [{}], parcels: [{}, {}] });
    expect(await command("list", "--state", "delivered", "--json")).not.toHaveProperty("orders");
    expect(await command("quarantine", "list", "--json")).toEqual({ orders: [], parcels: [] });
    expect(await command("top", "--count", "1", "--interval", "200ms", "--json")).toMatchObject({
      stats: { orders: { total: 1 }, parcels: { total: 2 } },
      decisions: [expect.objectContaining({ actorId: "p-1" }), expect.objectContaining({ actorId: "p-1" })],
    });
    vi.stubEnv("NATSTATE_DATA", dataDir);
    expect(await command("verify", "--json")).toMatchObject({ checked: 3, differing: 0 });
    vi.unstubAllEnvs();
  });

  it("are counted apart", async () => {
    const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
    expect(metrics).toContain('natstate_events_total{actor="parcel",event_type="ParcelScanned",outcome="applied"} 2');
    expect(metrics).toContain('natstate_events_total{actor="order",event_type="PaymentProcessed",outcome="applied"} 1');
  });

  it("a machine without a module of its own is given as its config", async () => {
    const source = await (await fetch(`${daemon.httpUrl}/api/machine/source?type=parcel`)).text();
    expect(source).toMatch(
      /^import \{ createMachine \} from "xstate";\n\nexport const machine = createMachine\(\{\n {2}"id": "parcel"/,
    );
  });
});

it("a second actor type starts on the data of the first, and the first goes on", async () => {
  const first = await startTestServer();
  const directory = mkdtempSync(join(tmpdir(), "natstate-second-type-"));
  const env = { NATS_URL: first.url, NATSTATE_DATA: directory, NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_PARTITIONS: "2" };
  const start = (known: readonly ActorType[]) =>
    openDaemon({
      config: readConfig(env),
      env,
      types: known,
      logger: createLogger({ level: "silent", pretty: false }),
      onFatal(error) {
        throw error;
      },
    });
  const { js, jsm, close } = await openSession({ url: first.url, name: "test" }, () => {});
  const tell = (subject: string, fields: object) =>
    js.publish(
      subject,
      JSON.stringify({ eventType: subject.split(".")[2], timestamp: "2026-02-01T10:00:00Z", ...fields }),
    );
  const decided = (count: number) =>
    until("it is decided", async () => (await jsm.streams.info("DECISIONS")).state.messages === count);

  let running = await start([types[0] as ActorType]);
  try {
    await tell("orders.o-1.PaymentProcessed", { orderId: "o-1", amount: 5, status: "failed" });
    await tell("orders.o-1.InventoryReserved", { orderId: "o-1", reservedItems: {}, warehouseId: "west" });
    await decided(1);
    await running.stop();
    running = await start(types);
    await tell("parcels.p-1.ParcelDelivered", { parcelId: "p-1", to: "the neighbour" });
    await decided(2);
    const out = new PassThrough({ encoding: "utf8" });
    const body = { parcelId: "p-2", eventType: "ParcelScanned", timestamp: "2026-02-01T10:00:00Z", place: "Graz" };
    const traffic = () => [{ subject: "parcels.p-2.ParcelScanned", body: JSON.stringify(body), actorId: "p-2" }];
    const type = { ...parcelType, rehearsal: { ...rehearsalOf(parcelType), traffic } };
    await runSimulation({
      ...simulationDefaults,
      type,
      natsUrl: first.url,
      json: false,
      out,
      progress: new PassThrough(),
    });
    const commands = String(out.read()).match(/npx natstate .*/g) ?? [];
    expect(commands.map((command) => command.includes("--type parcel"))).toEqual([true, true]);
    const order = await (await fetch(`${running.httpUrl}/api/orders/o-1`)).json();
    expect(order).toMatchObject({ processingStatus: "payment_failed", decision: { revision: 1 } });
  } finally {
    await close();
    await running.stop();
    await first.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

describe("the console with two actor types", () => {
  it("shows one of them at a time, in every view", async (context) => {
    if (browser === undefined) return context.skip(NO_CHROMIUM);
    const { page, troubles } = await openPage(browser, daemon.httpUrl ?? "");
    const states = () =>
      page.locator(".node[data-state]").evaluateAll((nodes) => nodes.map((node) => node.getAttribute("data-state")));
    const at = (hash: string) => page.waitForSelector(`main[data-at="${hash}"] h1`, { state: "attached" });
    const links = () => page.locator("#nav a").evaluateAll((found) => found.map((link) => link.getAttribute("href")));

    await page.goto("/");
    await at("");
    expect(await states()).toEqual(["pending", "processing", "payment_failed", "confirmed"]);
    await page.getByRole("combobox", { name: "Actor type" }).selectOption("Parcel");
    await at("#/?of=parcels");
    expect(await states()).toEqual(["announced", "travelling", "delivered"]);
    await page.locator('[data-state="delivered"] .count', { hasText: /^1$/ }).waitFor();
    expect(await page.locator('[data-tile="Dead letters"] .value').textContent()).toBe("1");
    expect(await links()).toEqual([
      "#/?of=parcels",
      "#/parcels",
      "#/dead-letters?of=parcels",
      "#/machine?of=parcels",
      "#/daemons?of=parcels",
    ]);

    await page.getByRole("link", { name: "Parcels" }).click();
    await at("#/parcels");
    expect((await page.locator("tbody th").allTextContents()).sort()).toEqual(["p-1", "p-2"]);
    expect(await page.locator(".command code").textContent()).toBe(
      `npx natstate list --type parcel --nats ${server.url}`,
    );

    await page.getByRole("link", { name: "p-1" }).click();
    await at("#/parcels/p-1");
    expect(await page.locator(".node.lit").getAttribute("data-state")).toBe("delivered");
    expect(await page.locator(".decisions tbody").textContent()).toContain("ParcelArrived");
    expect(await page.locator(".command code").allTextContents()).toContain(
      `npx natstate get p-1 --type parcel --nats ${server.url}`,
    );
    await page.getByRole("button", { name: "Inspect live" }).click();
    await until("its past is told", async () => (await page.locator(".inspected > li").count()) === 7);

    await page.getByRole("link", { name: "Dead letters" }).click();
    await at("#/dead-letters?of=parcels");
    await page.getByRole("checkbox", { name: "Select all on this page" }).check();
    await page.getByRole("button", { name: "Redrive 1", exact: true }).click();
    await page.locator(".outcome", { hasText: /^Sent again: now 5 in PARCELS\.$/ }).waitFor();
    await page.getByRole("combobox", { name: "Reason" }).selectOption("invalid_event");
    await until("the address", () => new URL(page.url()).hash === "#/dead-letters?of=parcels&reason=invalid_event");
    await page.reload();
    await page.waitForSelector("main h1");
    expect(await page.getByRole("combobox", { name: "Actor type" }).inputValue()).toBe("parcels");

    await page.getByRole("link", { name: "Machine", exact: true }).click();
    await at("#/machine?of=parcels");
    expect(await page.locator(".source").textContent()).toContain('"id": "parcel"');
    await page.getByRole("combobox", { name: "Actor type" }).selectOption("Order");
    await at("#/machine");
    expect(await states()).toContain("payment_failed");
    expect(troubles).toEqual([]);
  });
});

it("the second type taken out again, the first goes on", async () => {
  await daemon.stop();
  daemon = await start([orderType as ActorType]);
  await send("orders.p-1.PaymentProcessed", { orderId: "p-1", amount: 5, status: "failed" }, 9);
  await until(
    "it is applied",
    async () => (await ask("/api/stats")).events.superseded + (await ask("/api/stats")).events.applied >= 3,
  );
  await until("it is ready", async () => (await fetch(`${daemon.httpUrl}/readyz`)).ok);
});
