import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createActivity } from "../../src/answers/activity.ts";
import { createHttpServer, type HttpServer } from "../../src/console/server.ts";
import { deliver } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { type OrderBook, openOrderBook, order } from "../store/order-book.ts";
import { alone } from "./alone.ts";

let book: OrderBook;
let server: HttpServer;
let token: string;
/** What was asked to be redriven, by sequence in DEAD_LETTERS. */
const redriven: number[] = [];

beforeAll(async () => {
  book = openOrderBook();
  const activity = createActivity([order]);
  const result = book.processor.apply([
    orderEvent(1, "o", "PaymentProcessed", { second: 5, status: "failed" }),
    orderEvent(2, "o", "InventoryReserved", 2),
    ...[11, 12, 13].map((sequence) => deliver(sequence, "orders.o.OrderCreated", "{")),
  ]);
  activity.committed(result, 1, Date.now() - 2000);
  book.db.exec("UPDATE dead_letters SET published = sequence + 100 WHERE sequence < 13");
  server = await createHttpServer({
    ...alone(book.queries),
    activity,
    redrive({ publishedSequence: sequence }) {
      redriven.push(sequence);
      return Promise.resolve(
        sequence === 112 ? { outcome: "duplicate", error: "remembered" } : { outcome: "redriven", streamSequence: 7 },
      );
    },
  });
  const html = await (await fetch(`${server.url}/`)).text();
  token = /natstate-token" content="([\w-]+)"/.exec(html)?.[1] ?? "";
});

afterAll(async () => {
  await server.close();
  book[Symbol.dispose]();
});

async function ask(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(server.url + path);
  return { status: response.status, body: await response.json() };
}

async function redrive(body: unknown, query = ""): Promise<{ status: number; body: unknown }> {
  const headers = { "content-type": "application/json", "x-natstate-token": token };
  const init = { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`${server.url}/api/dead-letters/redrive${query}`, init);
  return { status: response.status, body: await response.json() };
}

describe("the page", () => {
  it("is served with everything it names, and with its policy", async () => {
    const response = await fetch(`${server.url}/`);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self'");
    const html = await response.text();
    for (const [, path] of html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)) {
      expect((await fetch(server.url + path)).status, path).toBe(200);
    }
    for (const path of ["/console/../server.ts", "/console/tsconfig.json", "/console/types.d.ts", "/console/"]) {
      expect((await fetch(server.url + path)).status, path).toBe(404);
    }
  });

  it("is told its machine: states in order, events, and a drawing", async () => {
    const { body } = await ask("/api/machine?type=order");
    expect(body).toMatchObject({
      type: { collection: "orders", idField: "orderId", states: order.states, eventTypes: Object.keys(order.events) },
      types: [{ name: "order", collection: "orders" }],
      layout: { nodes: expect.any(Array), edges: expect.any(Array) },
    });
    expect((await ask("/api/machine?type=parcel")).status).toBe(400);
  });

  it("is told what goes on, from the start of listening", async () => {
    const ending = new AbortController();
    const response = await fetch(`${server.url}/api/live`, { signal: ending.signal });
    expect(response.headers.get("cache-control")).toBe("no-store");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value = new Uint8Array() } = await reader.read();
    ending.abort();
    const pulse = JSON.parse(/data: (.*)/.exec(Buffer.from(value).toString())?.[1] ?? "");
    expect(pulse.stats).toEqual(JSON.parse(JSON.stringify(book.queries.stats(order))));
    expect(pulse.activity.flow).toContainEqual({ from: "pending", to: "payment_failed", count: 1 });
    expect(Math.max(...pulse.activity.seconds.events)).toBe(5);
    expect((await fetch(`${server.url}/api/live`, { method: "HEAD" })).status).toBe(404);
  });
});

describe("one order", () => {
  it("is replayed, and asked what may come next, at any step", async () => {
    expect((await ask("/api/orders/o/steps")).body).toEqual(asJson(book.answers.steps(order, "o")));
    expect((await ask("/api/orders/o/next")).body).toEqual(asJson(book.answers.next(order, "o")));
    expect((await ask("/api/orders/o/next?at=0")).body).toMatchObject({ at: 0, orderId: "o" });
    expect((await ask("/api/orders/nobody/steps")).status).toBe(404);
    expect((await ask("/api/orders/nobody/next")).status).toBe(404);
  });

  it.each(["at=-1", "at=1.5", "at=501", "at=x", "step=1"])("%s is no step", async (query) => {
    expect((await ask(`/api/orders/o/next?${query}`)).status).toBe(400);
  });
});

describe("redriving", () => {
  it("answers for each dead letter, named as everywhere by its sequence in the event stream", async () => {
    redriven.length = 0;
    expect(await redrive({ sequences: [11, 12, 13, 99, 11] })).toEqual({
      status: 200,
      body: {
        deadLetters: [
          { sequence: 11, outcome: "redriven", streamSequence: 7 },
          { sequence: 12, outcome: "duplicate", error: "remembered" },
          { sequence: 13, outcome: "failed", error: expect.stringContaining("not yet in DEAD_LETTERS") },
          { sequence: 99, outcome: "failed", error: expect.stringContaining("no dead letter '99' here") },
        ],
      },
    });
    expect(redriven).toEqual([111, 112]);
  });

  it.each([
    [{}],
    [{ sequences: [] }],
    [{ sequences: ["11"] }],
    [{ sequences: [0] }],
    [{ sequences: [1.5] }],
    [{ sequences: Array.from({ length: 101 }, (_, at) => at + 1) }],
    [[]],
    ["{"],
    ["null"],
    [`{"sequences":[${"1,".repeat(3000)}1]}`],
  ])("%j is refused, and nothing is sent", async (body) => {
    redriven.length = 0;
    const { status } = await redrive(body);
    expect([400, 413]).toContain(status);
    expect(redriven).toEqual([]);
  });

  it("of a type there is not is refused", async () => {
    expect((await redrive({ sequences: [11] }, "?type=parcel")).status).toBe(400);
  });
});

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
