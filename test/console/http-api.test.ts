import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createActivity } from "../../src/answers/activity.ts";
import type { Queries } from "../../src/answers/queries.ts";
import { createQuestions } from "../../src/answers/questions.ts";
import {
  createHttpServer,
  type HttpServer,
  HttpServerError,
  type HttpServerOptions,
} from "../../src/console/server.ts";
import { deliver } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { fill, type OrderBook, openOrderBook, order } from "../store/order-book.ts";

/** Not every container has IPv6. */
const hasIpv6 = Object.values(networkInterfaces()).some((own) => own?.some(({ address }) => address === "::1"));
const loopbackHosts = ["127.0.0.1", "localhost", ...(hasIpv6 ? ["::1"] : [])];

let book: OrderBook;
let server: HttpServer;
const ORDERS = 70;

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

function listen(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return createHttpServer({
    host: "127.0.0.1",
    port: 0,
    types: [order],
    queries: book.queries,
    activity: createActivity([order]),
    redrive: () => Promise.resolve({ outcome: "redriven", streamSequence: 1 }),
    metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", body: "natstate_up 1\n" }),
    health: { live: () => true, ready: () => ({ ready: true, checks: { nats: { ok: true, detail: "connected" } } }) },
    ...options,
  });
}

/** The answer's status and JSON. */
async function ask(path: string, init?: RequestInit, to = server): Promise<{ status: number; body: unknown }> {
  const response = await fetch(to.url + path, init);
  return { status: response.status, body: await response.json() };
}

function refusal(code: string, message: string) {
  return { error: { code, message: expect.stringContaining(message) } };
}

describe("questions", () => {
  it("an order, its history and the counts are what the store answers", async () => {
    const id = "A:b_c-1";
    expect(await ask(`/api/orders/${id}`)).toEqual({ status: 200, body: asJson(book.answers.get(order, id)) });
    expect(await ask(`/api/orders/${encodeURIComponent(id)}/history`)).toEqual({
      status: 200,
      body: asJson(book.answers.history(order, id)),
    });
    const stats = { status: 200, body: asJson(book.queries.stats(order)) };
    expect(await ask("/api/stats")).toEqual(stats);
    expect(await ask("/api/stats?type=order")).toEqual(stats);
  });

  it("a list is walked with nextCursor, its filters applied", async () => {
    const ids = new Set<string>();
    let path = "/api/orders?limit=20&incomplete=false";
    for (let pages = 0; pages < 10; pages++) {
      const { body } = await ask(path);
      const { orders, nextCursor } = body as { orders: Record<string, unknown>[]; nextCursor: string | null };
      for (const { orderId, dataCompleteness } of orders) {
        expect(dataCompleteness).toBe(100);
        ids.add(String(orderId));
      }
      if (nextCursor === null) break;
      path = `/api/orders?limit=20&incomplete=false&cursor=${nextCursor}`;
    }
    expect(ids.size).toBe(book.db.prepare("SELECT count(*) FROM actors WHERE completeness = 100").pluck().get());
  });

  it("every answer says when it is of the past", async () => {
    const asOf = book.queries.asOf(order, [3]);
    expect(asOf).not.toBeNull();
    const pastOf = (_: unknown, id?: string) => ({
      ...{ catchingUp: true as const, asOf },
      ...(id === undefined && { catchingUpPartitions: [3] }),
    });
    await using behind = disposable(await listen({ pastOf }));
    const orders = "/api/orders/A:b_c-1";
    for (const path of [orders, `${orders}/history`, `${orders}/steps`, `${orders}/next`]) {
      expect((await ask(path, {}, behind)).body, path).toMatchObject({ orderId: "A:b_c-1", catchingUp: true, asOf });
      expect((await ask(path)).body, path).not.toHaveProperty("catchingUp");
    }
    for (const path of ["/api/orders", "/api/stats", "/api/dead-letters"]) {
      expect((await ask(path, {}, behind)).body, path).toMatchObject({ catchingUpPartitions: [3], asOf });
      expect((await ask(path)).body, path).not.toHaveProperty("catchingUp");
    }
  });

  it("more questions at once than can wait are refused, to be asked again", async () => {
    await using crowded = disposable(await listen({ questions: createQuestions({ maxWaiting: 0 }) }));
    const refused = await fetch(`${crowded.url}/api/orders/A:b_c-1`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toEqual(refusal("unavailable", "too many questions at once"));
    expect((await fetch(`${crowded.url}/livez`)).status).toBe(200);
  });

  it("dead letters are listed, and told one by one", async () => {
    const { body } = await ask("/api/dead-letters?reason=malformed_json&limit=1");
    expect(body).toMatchObject({ deadLetters: [{ sequence: 10_002, reason: "malformed_json", bytes: 1 }] });
    expect(await ask("/api/dead-letters/10002")).toMatchObject({ status: 200, body: { body: "{", encoding: "utf8" } });
    expect(await ask("/api/dead-letters/1")).toEqual({ status: 404, body: refusal("not_found", "no dead letter '1'") });
  });

  it("lists and counts keep to the partitions owned", async () => {
    await using some = disposable(await listen({ ownedPartitions: () => [1] }));
    const { body } = await ask("/api/stats", {}, some);
    expect(body).toEqual(asJson(book.queries.stats(order, [1])));
    const list = (await ask("/api/orders?limit=200", {}, some)).body as { orders: unknown[] };
    expect(list.orders.length).toBe((body as { orders: { total: number } }).orders.total);
    expect(list.orders.length).toBeLessThan(ORDERS);
  });

  it.each([
    ["/api/orders?limit=0", 'limit: "0" is not a whole number from 1 to 200'],
    ["/api/orders?limit=201", "limit"],
    ["/api/orders?limit=1e1", "limit"],
    ["/api/orders?state=shipped", 'state: "shipped" is not one of pending, processing, payment_failed, confirmed'],
    ["/api/orders?state=pending&state=confirmed", "state"],
    [
      "/api/orders?decision=OrderDecisionWithdrawn",
      'decision: "OrderDecisionWithdrawn" is not one of OrderConfirmed, OrderRejected, none',
    ],
    ["/api/orders?incomplete=yes", "true or false"],
    ["/api/orders?updatedBefore=2026-01-01", "RFC 3339"],
    ["/api/orders?cursor=c2Vlbjox!", "cursor"],
    [
      "/api/orders?colour=red",
      '"colour" is not a parameter here; those are state, decision, incomplete, completeness, waitingFor, quarantined, idPrefix, updatedBefore, limit, cursor',
    ],
    ["/api/orders?colour=red&limit=0", 'limit: "0" is not a whole number from 1 to 200; "colour" is not'],
    ["/api/orders/x?verbose=1", '"verbose" is not a parameter here'],
    ["/api/dead-letters?reason=bad", 'reason: "bad" is not one of malformed_json'],
    ["/api/stats?type=parcel", "type: expected one of order"],
    ["/api/orders/%E0%A4%A", "% escapes"],
  ])("%s is a bad request", async (path, message) => {
    expect(await ask(path)).toEqual({ status: 400, body: refusal("bad_request", message) });
  });

  it("an unknown order, and a path with nothing under it, are not found", async () => {
    expect(await ask("/api/orders/a:b_c-1")).toEqual({
      status: 404,
      body: { error: { code: "not_found", message: "no order 'a:b_c-1' here; ids are case-sensitive" } },
    });
    expect((await ask(`/api/orders/${"x".repeat(2000)}`)).status).toBe(404);
    expect(await ask("/api/parcels")).toEqual({ status: 404, body: refusal("not_found", "nothing under this path") });
  });

  it("a retired order is gone, and not unknown: the answer says what is left of it", async () => {
    const retired = { orderId: "old", status: "lost", version: 5, revision: 2, parked: 0 } as const;
    const times = { retiredAt: "2026-06-01T00:00:00Z", lastUpdated: "2026-03-01T00:00:00Z" };
    const queries: Queries = {
      ...book.queries,
      retired: (_, id) => (id === "old" ? { ...retired, ...times } : undefined),
    };
    const other = await listen({ queries });
    try {
      for (const path of ["", "/history", "/steps", "/next"]) {
        expect(await ask(`/api/orders/old${path}`, {}, other)).toMatchObject({
          status: 410,
          body: { error: { code: "retired", message: expect.stringContaining("order old is retired since") }, retired },
        });
      }
      expect((await ask("/api/orders/nobody", {}, other)).status).toBe(404);
    } finally {
      await other.close();
    }
  });

  it("a question that fails inside says nothing of the inside, and is told to the daemon", async () => {
    const failures: string[] = [];
    const queries: Queries = {
      ...book.queries,
      get() {
        throw new Error("/secret/path is corrupt");
      },
    };
    const onError = (error: Error, path: string) => failures.push(`${path}: ${error.message}`);
    await using broken = disposable(await listen({ queries, onError }));
    const answer = await ask("/api/orders/x", {}, broken);
    expect(answer).toEqual({ status: 500, body: refusal("internal", "failed inside natstate") });
    expect(JSON.stringify(answer)).not.toContain("secret");
    expect(failures).toEqual(["/api/orders/x: /secret/path is corrupt"]);
  });
});

describe("operation", () => {
  it("metrics are given as they are", async () => {
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await response.text()).toBe("natstate_up 1\n");
  });

  it("health is 200 or 503, with every check", async () => {
    expect(await ask("/livez")).toEqual({ status: 200, body: { live: true } });
    expect((await ask("/readyz")).status).toBe(200);
    const readiness = { ready: false, checks: { nats: { ok: false, detail: "reconnecting for 3 s" } } };
    await using ill = disposable(await listen({ health: { live: () => false, ready: () => readiness } }));
    expect(await ask("/livez", {}, ill)).toEqual({ status: 503, body: { live: false } });
    expect(await ask("/readyz", {}, ill)).toEqual({ status: 503, body: readiness });
  });
});

describe("an order of another daemon's partition, or of one that is not yet read", () => {
  const id = "A:b_c-1";

  it.each(["", "/history", "/steps", "/next"])(
    "%s of what another daemon has is not answered with what is here",
    async (path) => {
      await using there = disposable(await listen({ whereabouts: () => "elsewhere" }));
      const answer = await ask(`/api/orders/${id}${path}`, {}, there);
      expect(answer).toEqual({ status: 503, body: refusal("unavailable", "another daemon reads the partition") });
    },
  );

  it("what is not here yet is not said not to be", async () => {
    await using there = disposable(await listen({ whereabouts: () => "catching_up" }));
    expect(await ask("/api/orders/nobody", {}, there)).toEqual({
      status: 503,
      body: refusal("unavailable", "ask again"),
    });
    expect(await ask(`/api/orders/${id}`, {}, there)).toMatchObject({ status: 200 });
  });
});

describe("who may ask, and how", () => {
  it.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is not allowed anywhere", async (method) => {
    for (const path of ["/api/orders/x", "/nowhere"]) {
      const response = await fetch(server.url + path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, HEAD");
      expect(await response.json()).toEqual(refusal("method_not_allowed", `${method} is not possible here`));
    }
  });

  it("a large body is refused unread", async () => {
    const response = await fetch(`${server.url}/api/orders`, { method: "POST", body: "x".repeat(100_000) });
    expect(response.status).toBe(405);
  });

  it("HEAD is GET without a body", async () => {
    const response = await fetch(`${server.url}/api/stats`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  it.each(["127.0.0.1", "localhost", "LOCALHOST:80", "127.8.9.1:8484", "[::1]:8484"])(
    "Host %s is ours",
    async (host) => {
      expect(await statusFor(host)).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8484",
    "evil@127.0.0.1",
    "10.0.0.7",
    "a b",
    "127.0.0.1:x",
  ])("Host %s is refused, as DNS rebinding would send it", async (host) => {
    expect(await statusFor(host)).toBe(421);
  });

  it("a server that listens on every interface answers to addresses and not to foreign names", async () => {
    await using open = disposable(await listen({ host: "0.0.0.0", token: "a token of 16 or more" }));
    expect(open.url).toBe(`http://127.0.0.1:${open.port}`);
    expect(await statusFor("10.0.0.7:8484", open)).toBe(401);
    expect(await statusFor("evil.example", open)).toBe(421);
  });

  it("every answer forbids keeping, framing, sniffing and embedding it, and allows no other origin", async () => {
    for (const [path, method] of [["/api/stats"], ["/nowhere"], ["/api/orders?limit=0"], ["/", "POST"]] as const) {
      const { headers } = await fetch(server.url + path, { method, headers: { origin: "http://evil.example" } });
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("listening", () => {
  it("a port in use is an error that says which, and how to choose another", async () => {
    const taken = listen({ port: server.port });
    await expect(taken).rejects.toThrow(HttpServerError);
    await expect(taken).rejects.toThrow(`port ${server.port} on 127.0.0.1 is in use. Set NATSTATE_HTTP`);
  });

  it("an address of another machine is an error that says so", async () => {
    await expect(listen({ host: "192.0.2.1" })).rejects.toThrow("192.0.2.1 is not an address of this machine");
  });

  it.each(loopbackHosts)("on %s it has a URL that works", async (host) => {
    await using local = disposable(await listen({ host }));
    expect((await ask("/livez", {}, local)).status).toBe(200);
  });

  it("closes within 2 s, whatever hangs on it", async () => {
    let answerMetrics = () => {};
    const pending = new Promise<{ contentType: string; body: string }>((resolve) => {
      answerMetrics = () => resolve({ contentType: "text/plain", body: "" });
    });
    const busy = await listen({ metrics: () => pending });
    const silent = connect(busy.port, "127.0.0.1");
    const half = connect(busy.port, "127.0.0.1", () => half.write("GET / HTTP/1.1\r\n"));
    const unanswered = fetch(`${busy.url}/metrics`).catch((error: Error) => error);
    await Promise.all([once(silent, "connect"), once(half, "connect"), fetch(`${busy.url}/livez`)]);
    const closed = Promise.all([once(silent, "close"), once(half, "close")]);
    const startedMs = performance.now();
    await busy.close();
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await closed;
    expect(await unanswered).toBeInstanceOf(Error);
    answerMetrics();
  });
});

function disposable(closing: HttpServer): HttpServer & AsyncDisposable {
  return { ...closing, [Symbol.asyncDispose]: closing.close };
}

/** Asks with a Host header of our own, which fetch does not let through. */
async function statusFor(host: string, to = server): Promise<number | undefined> {
  const outgoing = request(`${to.url}/api/stats`, { headers: { host } }).end();
  const [response] = await once(outgoing, "response");
  response.resume();
  return response.statusCode;
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
