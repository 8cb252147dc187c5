import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInspections, type Inspections } from "../../src/answers/inspection.ts";
import { createHttpServer, type HttpServer } from "../../src/console/server.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { type OrderBook, openOrderBook } from "../store/order-book.ts";
import { until } from "../until.ts";
import { alone } from "./alone.ts";

let book: OrderBook;
let server: HttpServer;
let inspections: Inspections;
let isOwner = true;

beforeAll(async () => {
  book = openOrderBook();
  inspections = createInspections({
    journal: book.journal,
    laneOf: () => orderLane,
    owns: () => isOwner,
    onError(error) {
      throw error;
    },
    maxInspectors: 2,
  });
  server = await createHttpServer({
    ...alone(book.queries),
    inspections,
  });
});

afterAll(async () => {
  await server.close();
  book[Symbol.dispose]();
});

/** Opens a stream and reads it. */
async function read(path: string) {
  const asking = request(server.url + path).end();
  const [response] = await once(asking, "response");
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  response.on("error", () => {});
  const ended = new Promise((resolve) => response.on("close", resolve));
  return {
    status: response.statusCode as number,
    text: () => text,
    ended,
    [Symbol.dispose]: () => void asking.destroy(),
  };
}

test("the past, redacted on request; who goes is forgotten", async () => {
  book.processor.apply([orderEvent(1, "o", "OrderCreated", 1)]);
  {
    using stream = await read("/api/orders/o/inspect?redact=true");
    await until("the past is told", () => stream.text().match(/^data: /gm)?.length === 5);
    expect(stream.text()).toContain('"customerId":"string"');
    expect(stream.text()).not.toContain("customer-456");
    expect(inspections.count()).toBe(1);
  }
  await until("it is forgotten", () => inspections.count() === 0);
});

test("a lane that goes to another daemon ends the stream with the reason", async () => {
  using stream = await read("/api/orders/o/inspect");
  await until("the past is told", () => stream.text().includes("processing"));
  inspections.released([orderLane]);
  await stream.ended;
  expect(stream.text()).toMatch(
    /\nevent: end\ndata: \{"reason":"elsewhere","message":"another daemon has its partition"\}\n\n$/,
  );
  isOwner = false;
  const refused = await fetch(`${server.url}/api/orders/o/inspect`);
  isOwner = true;
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { error: { code: "unavailable", message: "another daemon has its partition" } },
  ]);
});

test("a question that is not one, and one inspector too many, are refused", async () => {
  expect((await fetch(`${server.url}/api/orders/o/inspect?redact=perhaps`)).status).toBe(400);
  expect((await fetch(`${server.url}/api/orders/o/inspect`, { method: "HEAD" })).status).toBe(404);
  using one = await read("/api/orders/o/inspect");
  using two = await read("/api/orders/o/inspect");
  expect([one.status, two.status]).toEqual([200, 200]);
  expect((await fetch(`${server.url}/api/orders/o/inspect`)).status).toBe(503);
});

test("a reader that takes nothing is dropped, and the daemon goes on", async () => {
  await until("there is room", () => inspections.count() === 0);
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET /api/orders/deaf/inspect HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until("it is open", () => inspections.count() === 1);
  const items = Array.from({ length: 200 }, (_, n) => ({ sku: `${n}-${"x".repeat(200)}`, quantity: 1 }));
  let sequence = 1;
  while (inspections.count() === 1 && sequence < 2000) {
    sequence++;
    const created = orderEvent(sequence, "deaf", "OrderCreated", { second: 5000 - sequence, items });
    inspections.committed(book.processor.apply([created]), 1, 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(inspections.count()).toBe(0);
  expect(book.row("deaf")).toMatchObject({ events: sequence - 1 });
  socket.destroy();
});
