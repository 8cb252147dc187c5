import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWebSocketReceiver, type StatelyInspectionEvent } from "@statelyai/inspect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createMachine } from "xstate";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { type Running, runCli, startCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

let dir = "";
let daemon: DaemonProcess;
let session: Session;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "natstate-test-"));
  daemon = await startDaemonProcess({ NATSTATE_DATA: dir, NATSTATE_NATS_PORT: "0" });
  session = await openSession({ url: daemon.natsUrl, name: "test" }, () => {});
});

afterAll(async () => {
  await session.close();
  await daemon.stop();
  await rm(dir, { recursive: true, force: true });
});

const FIELDS = {
  OrderCreated: { customerId: "customer-7", totalAmount: 20, currency: "EUR" },
  PaymentProcessed: { amount: 20, status: "successful" },
  InventoryReserved: { reservedItems: { "sku-1": 1 }, warehouseId: "west" },
};

async function publish(orderId: string, eventType: keyof typeof FIELDS): Promise<void> {
  const event = { orderId, eventType, eventId: eventType, timestamp: "2026-01-01T00:00:00Z", ...FIELDS[eventType] };
  await session.js.publish(`orders.${orderId}.${eventType}`, JSON.stringify(event));
}

async function untilState(orderId: string, state: string): Promise<void> {
  await until(`${orderId} is ${state}`, async () => {
    const answer = await fetch(`${daemon.httpUrl}/api/orders/${orderId}`);
    return answer.ok && ((await answer.json()) as { processingStatus: string }).processingStatus === state;
  });
}

/** `natstate inspect`, serving. */
async function startInspect(id: string, ...options: string[]) {
  const running: Running = startCli(["inspect", id, ...options], { NATSTATE_DATA: dir });
  const url = await until("it serves", () => /ws:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0]);
  return {
    url,
    running,
    async [Symbol.asyncDispose]() {
      running.kill("SIGTERM");
      expect((await running.ran).code).toBe(0);
    },
  };
}

function receive(server: string): StatelyInspectionEvent[] {
  const received: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server }).subscribe((message) => received.push(message));
  return received;
}

/** The status a WebSocket is answered with, 101 when it opens. */
function connect(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
    socket.on("unexpected-response", (_, { statusCode = 0 }) => resolve(statusCode));
    socket.on("error", reject);
  });
}

test("Stately's own receiver reads an order's past and what happens to it", async () => {
  await publish("live-1", "PaymentProcessed");
  await untilState("live-1", "pending");
  await using inspect = await startInspect("live-1");
  const received = receive(inspect.url);
  await until("the past is told", () => received.length === 5);
  await publish("live-1", "InventoryReserved");
  await until("the event is told", () => received.length === 7);

  const [actor, , initial, event, snapshot, , last] = received;
  if (actor?.type !== "@xstate.actor") throw new Error(`${actor?.type} comes first`);
  const machine = createMachine(JSON.parse(actor.definition ?? ""));
  expect([machine.id, Object.keys(machine.states)]).toEqual([
    "order",
    ["pending", "processing", "payment_failed", "confirmed"],
  ]);
  expect(actor).toMatchObject({
    name: "live-1",
    sessionId: "orders:live-1",
    rootId: "orders:live-1",
    _version: "0.7.2",
  });
  expect(initial).toMatchObject({ type: "@xstate.snapshot", snapshot: { value: "pending", status: "active" } });
  expect(event).toMatchObject({ type: "@xstate.event", event: { type: "PaymentProcessed", data: { amount: 20 } } });
  expect(snapshot).toMatchObject({
    type: "@xstate.snapshot",
    snapshot: { context: { payment: { data: { amount: 20 } } } },
  });
  expect(last).toMatchObject({ type: "@xstate.snapshot", snapshot: { value: "confirmed" } });

  // A second inspector has an inspection of its own, from the beginning.
  const second = receive(inspect.url);
  await until("it is told as well", () => second.length === 7);
  expect(second).toEqual(received);
});

test("only programs and pages of this machine may connect; stately.ai when it was asked for", async () => {
  const origins = {
    none: undefined,
    localhost: "http://localhost:5173",
    loopback: "http://127.0.0.1:8484",
    ipv6: "http://[::1]:3000",
    stately: "https://stately.ai",
    elsewhere: "https://example.com",
    disguised: "https://localhost.example.com",
    sandboxed: "null",
  };
  const ask = async (url: string) => {
    const answers: Record<string, number> = {};
    for (const [name, origin] of Object.entries(origins)) answers[name] = await connect(url, origin ? { origin } : {});
    return { ...answers, rebound: await connect(url, { host: "example.com" }) };
  };
  const closed = {
    none: 101,
    localhost: 101,
    loopback: 101,
    ipv6: 101,
    stately: 403,
    elsewhere: 403,
    disguised: 403,
    sandboxed: 403,
    rebound: 421,
  };
  {
    await using inspect = await startInspect("origins");
    expect(await ask(inspect.url)).toEqual(closed);
    expect((await fetch(inspect.url.replace("ws:", "http:"))).status).toBe(426);
  }
  await using inspect = await startInspect("origins", "--open-stately", "--redact");
  expect(await ask(inspect.url)).toEqual({ ...closed, stately: 101 });
});

test("--open-stately serves the page that hands messages over, and says what goes where; nothing opens by itself", async () => {
  const running = startCli(["inspect", "origins", "--open-stately", "--redact"], { NATSTATE_DATA: dir });
  const port = await until("it serves", () => /ws:\/\/127\.0\.0\.1:(\d+)/.exec(running.stdout())?.[1]);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(page.headers.get("content-security-policy")).toContain("frame-src https://stately.ai;");
  expect(await page.text()).toContain('<iframe src="https://stately.ai/inspect"');
  running.kill("SIGINT");
  const { code, stderr } = await running.ran;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(
    `http://127.0.0.1:${port}/ shows https://stately.ai/inspect in a frame and hands it the machine, every event and every snapshot, with type names in place of values`,
  );
  expect(stderr).toContain("nothing is handed over before");
});

test("--json prints the messages, redacted on request", async () => {
  await publish("json-1", "OrderCreated");
  await untilState("json-1", "processing");
  const running = startCli(["inspect", "json-1", "--json", "--redact"], { NATSTATE_DATA: dir });
  const lines = await until("the past is told", () => {
    const told = running.stdout().trim().split("\n");
    return told.length === 5 && told;
  });
  running.kill("SIGINT");
  expect((await running.ran).code).toBe(0);
  expect(JSON.parse(lines[4] ?? "")).toMatchObject({
    type: "@xstate.snapshot",
    snapshot: { value: "processing", context: { customer: { data: { customerId: "string", totalAmount: "number" } } } },
  });
  expect(running.stdout()).not.toContain("customer-7");
});

test("what is wrong on the command line is said before anything is opened; an unknown order is waited for", async () => {
  const env = { NATSTATE_DATA: dir };
  expect(await runCli(["inspect", "a b"], env)).toMatchObject({ code: 2 });
  expect(await runCli(["inspect", "o", "--json", "--open-stately"], env)).toMatchObject({ code: 2 });
  const running = startCli(["inspect", "nobody"], env);
  await until("it serves", () => running.stdout().includes("ws://"));
  running.kill("SIGTERM");
  expect((await running.ran).stderr).toContain("nobody has heard of order nobody yet");
});

test("the console's way: server-sent events of the same messages", async () => {
  await publish("sse-1", "OrderCreated");
  await untilState("sse-1", "processing");
  const ending = new AbortController();
  const response = await fetch(`${daemon.httpUrl}/api/orders/sse-1/inspect`, { signal: ending.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  let text = "";
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => {});
  const messages = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json));
  await until("the past is told", () => messages().length === 5);
  await publish("sse-1", "PaymentProcessed");
  await until("the event is told", () => messages().length === 7);
  expect(messages()[5]).toMatchObject({ type: "@xstate.event", event: { type: "PaymentProcessed" } });
  ending.abort();
  await reading;
});

test("the machine's source is served for Stately Studio", async () => {
  const response = await fetch(`${daemon.httpUrl}/api/machine/source`);
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  const { stdout } = await runCli(["machine", "export", "--format", "source"], {});
  expect(await response.text()).toBe(stdout);
  expect((await fetch(`${daemon.httpUrl}/api/machine/source?type=nothing`)).status).toBe(400);
  expect((await fetch(`${daemon.httpUrl}/api/machine/source?format=pdf`)).status).toBe(400);
});
