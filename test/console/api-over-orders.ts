import { afterAll, beforeAll, expect } from "vitest";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/console/server.ts";
import { deliver } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { fill, type OrderBook, openOrderBook } from "../store/order-book.ts";
import { alone } from "./alone.ts";

/** Orders of the book, besides `A:b_c-1` and what dead letter 10002 was to be. */
export const ORDERS = 70;

/** The real HTTP server over a real store of orders. */
export interface Api {
  /** Only while tests run. */
  readonly book: OrderBook;
  /** Only while tests run. */
  readonly server: HttpServer;
  /** Another server over the same store, for `await using`. */
  listen(options?: Partial<HttpServerOptions>): Promise<HttpServer & AsyncDisposable>;
  /** The answer's status and JSON. */
  ask(path: string, init?: RequestInit, to?: HttpServer): Promise<{ status: number; body: unknown }>;
}

/** Sets it up for the tests of one file. */
export function useApi(): Api {
  let book: OrderBook;
  let server: HttpServer;

  async function listen(options: Partial<HttpServerOptions> = {}): Promise<HttpServer & AsyncDisposable> {
    const listening = await createHttpServer({
      ...alone(book.queries),
      metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", body: "natstate_up 1\n" }),
      health: { live: () => true, ready: () => ({ ready: true, checks: { nats: { ok: true, detail: "connected" } } }) },
      ...options,
    });
    return { ...listening, [Symbol.asyncDispose]: listening.close };
  }

  beforeAll(async () => {
    book = openOrderBook();
    fill(book, ORDERS);
    book.processor.apply([
      orderEvent(10_001, "A:b_c-1", "OrderCreated", { second: 1, customerId: "<script>alert(1)</script>" }),
      deliver(10_002, "orders.A:b_c-1.OrderCreated", "{"),
    ]);
    server = await listen();
  });

  afterAll(async () => {
    await server.close();
    book[Symbol.dispose]();
  });

  return {
    get book() {
      return book;
    },
    get server() {
      return server;
    },
    listen,
    async ask(path, init, to = server) {
      const response = await fetch(to.url + path, init);
      return { status: response.status, body: await response.json() };
    },
  };
}

/** The body of an answer that refuses. */
export function refusal(code: string, message: string) {
  return { error: { code, message: expect.stringContaining(message) } };
}
