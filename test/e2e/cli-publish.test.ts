import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../until.ts";
import { ROOT, runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

let dir = "";
let daemon: DaemonProcess;

const publish = (...args: string[]) => runCli(["publish", ...args], { NATSTATE_DATA: dir });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "natstate-test-"));
  daemon = await startDaemonProcess({ NATSTATE_DATA: dir, NATSTATE_NATS_PORT: "0" });
});

afterAll(async () => {
  await daemon.stop();
  await rm(dir, { recursive: true, force: true });
});

async function order(id: string) {
  const response = await fetch(`${daemon.httpUrl}/api/orders/${id}`);
  return response.ok ? JSON.parse(await response.text()) : undefined;
}

test("two published events make a decision; the same event id twice has one effect", async () => {
  const payment = ["my-1", "PaymentProcessed", '{"amount":20,"status":"successful"}'];
  const first = await publish(...payment, "--event-id", "p-1", "--at", "2026-03-01T10:00:02Z");
  expect(first).toEqual({
    code: 0,
    stdout: "orders.my-1.PaymentProcessed is stored as message 1 of ORDERS, event p-1\n",
    stderr: "",
  });
  await publish(...payment, "--event-id", "p-1", "--at", "2026-03-01T10:00:02Z");
  const stock = spawnSync(process.execPath, ["src/cli.ts", "publish", "my-1", "InventoryReserved", "-", "--json"], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NATSTATE_DATA: dir },
    input: '{"reservedItems":{"sku-1":2},"warehouseId":"west"}',
    encoding: "utf8",
  });
  expect(JSON.parse(stock.stdout)).toEqual({
    stream: "ORDERS",
    subject: "orders.my-1.InventoryReserved",
    sequence: 3,
    eventId: expect.any(String),
  });
  const decided = await until("it is decided", async () => {
    const found = await order("my-1");
    return found?.decision ? found : undefined;
  });
  expect(decided).toMatchObject({ processingStatus: "confirmed", version: 2, decision: { warehouseId: "west" } });
});

test("what natstate could not read is refused with what was expected, and nothing is sent", async () => {
  const mistakes: [string, ...string[]][] = [
    ["invalid_event: status", "my-2", "PaymentProcessed", '{"amount":20,"status":"paid"}'],
    [
      "method: expected text, found null; leave it out",
      "my-2",
      "PaymentProcessed",
      '{"amount":1,"status":"failed","method":null}',
    ],
    [
      "timestamp: expected text such as 2026-01-31T12:00:00Z, found a number",
      "my-2",
      "PaymentProcessed",
      '{"timestamp":1}',
    ],
    [
      "correlationId: expected text of 1 to 256 characters, found empty text",
      "my-2",
      "PaymentProcessed",
      '{"correlationId":""}',
    ],
    ["none of OrderCreated", "my-2", "Payment", "{}"],
    ["expected a JSON object", "my-2", "PaymentProcessed", "{amount:20}"],
    ["orderId is my-2 on the command line", "my-2", "PaymentProcessed", '{"orderId":"my-3"}'],
    ["RFC 3339", "my-2", "PaymentProcessed", "{}", "--at", "yesterday"],
    ["is no order id", "my.2", "PaymentProcessed", "{}"],
  ];
  const ran = await Promise.all(mistakes.map(([, ...args]) => publish(...args)));
  ran.forEach(({ code, stdout, stderr }, index) => {
    const expected = { code: 2, stdout: "", stderr: expect.stringContaining(mistakes[index]?.[0] ?? "") };
    expect({ code, stdout, stderr }).toEqual(expected);
  });
  expect(await order("my-2")).toBeUndefined();
});
