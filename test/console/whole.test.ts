import { expect, it } from "vitest";
import type { ActorSummary } from "../../src/answers/queries.ts";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/console/server.ts";
import { followInspection } from "../../src/jetstream/inspect-client.ts";
import { createAsking } from "../../src/members/asking.ts";
import { createWhole } from "../../src/members/whole.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { deliver } from "../flow/delivery.ts";
import { asAsker, book, start, useAnswers } from "../jetstream/answering.ts";
import { order, PARTITIONS } from "../store/order-book.ts";
import { walkDeadLetters } from "../store/paging.ts";
import { alone } from "./alone.ts";

useAnswers();

/** The HTTP API of a daemon that owns `own`; whatever is asked of others goes over NATS. */
async function listen(
  own: readonly number[],
  options: Partial<HttpServerOptions> = {},
  patienceMs = 5000,
): Promise<HttpServer & AsyncDisposable> {
  const server = await createHttpServer({
    ...alone(book.queries),
    whereabouts: (_, id) => (own.includes(partitionOf(id, PARTITIONS)) ? "here" : "elsewhere"),
    ownedPartitions: () => own,
    whole: createWhole(createAsking({ ...asAsker(), patienceMs, partitions: PARTITIONS })),
    ...options,
  });
  return { ...server, [Symbol.asyncDispose]: server.close };
}

async function ask(
  { url }: HttpServer,
  path: string,
): Promise<{ status: number; body: unknown; retry: string | null }> {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json(), retry: response.headers.get("retry-after") };
}

const asJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

it("a daemon that owns some partitions answers for all", async () => {
  await using _own = await start([0]);
  await using _others = await start([1, 2, 3]);
  await using server = await listen([0]);
  const ids = (book.queries.list(order, { limit: 12 }).orders as readonly ActorSummary[]).map(({ orderId }) =>
    String(orderId),
  );
  for (const id of ids) {
    for (const [tail, answer] of [
      ["", book.answers.get(order, id)],
      ["/history", book.answers.history(order, id)],
      ["/steps", book.answers.steps(order, id)],
      ["/next?at=1", book.answers.next(order, id, 1)],
    ] as const) {
      expect(await ask(server, `/api/orders/${id}${tail}`)).toMatchObject({ status: 200, body: asJson(answer) });
    }
  }
  expect(await ask(server, "/api/orders/nobody")).toMatchObject({
    status: 404,
    body: { error: { code: "not_found" } },
  });
  expect(await ask(server, "/api/orders/no.id")).toMatchObject({ status: 404 });
  expect((await ask(server, "/api/stats")).body).toEqual(asJson(book.queries.stats(order)));
  expect((await ask(server, "/api/orders?limit=200")).body).toEqual(asJson(book.queries.list(order, { limit: 200 })));
  const letters = walkDeadLetters(book.queries, { limit: 200 });
  expect((await ask(server, "/api/dead-letters?limit=200&type=order")).body).toEqual({
    deadLetters: asJson(letters),
    nextCursor: null,
  });
  for (const { sequence } of letters)
    expect(await ask(server, `/api/dead-letters/${sequence}`)).toMatchObject({ status: 200 });
  expect(await ask(server, "/api/dead-letters/99999")).toMatchObject({ status: 404 });
  expect(await ask(server, "/api/dead-letters/0")).toMatchObject({ status: 404 });
  expect(await ask(server, "/api/orders?limit=0")).toMatchObject({ status: 400 });
});

it("of what nobody answers for it says so, with the partitions, and answers for its own all the same", async () => {
  await using _own = await start([0, 1]);
  await using server = await listen([0, 1], {}, 400);
  const ids = (book.queries.list(order, { limit: 200 }).orders as readonly ActorSummary[]).map(({ orderId }) =>
    String(orderId),
  );
  const lost = ids.find((id) => partitionOf(id, PARTITIONS) > 1);
  const own = ids.find((id) => partitionOf(id, PARTITIONS) === 1);
  expect(await ask(server, `/api/orders/${own}`)).toMatchObject({ status: 200 });
  expect(await ask(server, `/api/orders/${lost}`)).toEqual({
    ...{ status: 503, retry: "1" },
    body: { error: { code: "unavailable", message: expect.stringContaining(`${lost}`) } },
  });
  for (const path of ["/api/stats", "/api/orders", "/api/dead-letters"]) {
    expect(await ask(server, path)).toEqual({
      ...{ status: 503, retry: "1" },
      body: { error: { code: "unavailable", message: expect.stringContaining("partitions 2, 3 of orders") } },
    });
  }
});

it("who is asked too often about what nobody answers for holds up nothing else", async () => {
  await using _own = await start([0]);
  await using _others = await start([1, 2]);
  await using server = await listen([0]);
  const ids = (book.queries.list(order, { limit: 200 }).orders as readonly ActorSummary[]).map(({ orderId }) =>
    String(orderId),
  );
  const [lost, there] = [3, 2].map((partition) => ids.find((id) => partitionOf(id, PARTITIONS) === partition));
  const asked = Array.from({ length: 100 }, () => ask(server, `/api/orders/${lost}`));
  expect(await ask(server, `/api/orders/${there}`)).toMatchObject({ status: 200 });
  for (const { status } of await Promise.all(asked)) expect(status).toBe(503);
});

it("a dead letter of another daemon is sent again, an order of another one released by it", async () => {
  book.processor.apply([deliver(90_001, "orders.far.OrderCreated", "{")]);
  book.db.exec("UPDATE dead_letters SET published = 5");
  const released: string[] = [];
  await using _own = await start([0]);
  await using _others = await start([1, 2, 3], {
    release(_, id) {
      released.push(id);
      return { released: true } as never;
    },
  });
  await using server = await listen([0]);
  const token = /name="natstate-token" content="([^"]+)"/.exec(await (await fetch(server.url)).text())?.[1] ?? "";
  const post = async (path: string, body: object) => {
    const headers = { "content-type": "application/json", "x-natstate-token": token };
    return (await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  };
  expect(await post("/api/dead-letters/redrive", { sequences: [90_001, 99_999] })).toMatchObject({
    deadLetters: [{ sequence: 90_001, outcome: "redriven" }, { outcome: "failed" }],
  });
  const far = ["a", "b", "c", "d", "e", "f"].find((id) => partitionOf(id, PARTITIONS) !== 0) ?? "";
  expect(await post(`/api/orders/${far}/release`, {})).toEqual({ released: true });
  expect(released).toEqual([far]);
});

it("one that has all, the last of it a moment ago, is waited for as one among others", async () => {
  let isSettling = true;
  const past = () => (isSettling ? { catchingUp: true as const, asOf: null, catchingUpPartitions: [3] } : undefined);
  const standing = { ownedPartitions: () => undefined, isSettling: () => isSettling, pastOf: past };
  await using _own = await start(undefined, standing);
  await using server = await listen([0, 1, 2, 3], standing, 60_000);
  const asked = ask(server, "/api/orders");
  expect((await Promise.race([asked, ask(server, "/readyz")])).body).toMatchObject({ ready: true });
  isSettling = false;
  expect((await asked).body).not.toHaveProperty("catchingUp");
});

it("a dead letter that another daemon may come to yet is none that there is not", async () => {
  await using _own = await start([0]);
  const pastOf = () => ({ catchingUp: true as const, asOf: null, catchingUpPartitions: [3] });
  await using _others = await start([1, 2, 3], { pastOf });
  await using server = await listen([0]);
  expect(await ask(server, "/api/dead-letters/99999")).toMatchObject({
    status: 503,
    body: { error: { code: "unavailable" } },
  });
});

it("quarantined orders of all daemons are one list by id, a page at a time", async () => {
  const holding = (...ids: string[]) => ({
    queries: {
      ...book.queries,
      quarantined: () => ({ orders: ids.map((orderId) => ({ orderId }) as never), more: false }),
    },
  });
  await using _own = await start([0], holding("b"));
  await using _others = await start([1, 2, 3], holding("a", "c"));
  await using server = await listen([0]);
  expect(await ask(server, "/api/quarantine")).toMatchObject({
    status: 200,
    body: { orders: [{ orderId: "a" }, { orderId: "b" }, { orderId: "c" }], more: false },
  });
  expect(await ask(server, "/api/quarantine?limit=3")).toMatchObject({ status: 400 });
  await using alone = await listen([0, 1, 2, 3], { ownedPartitions: () => undefined });
  expect(await ask(alone, "/api/quarantine?after=o-1")).toMatchObject({
    status: 200,
    body: { orders: [], more: false },
  });
});

it("an order of another daemon at work is told on, and one of nobody is not waited for", async () => {
  await using _own = await start([0]);
  await using others = await start([1, 2], {
    inspections: {
      open(_type, id, { tell }) {
        tell(JSON.stringify({ id }));
        return { close() {} };
      },
      ...{ count: () => 0, committed() {}, released() {} },
    },
  });
  expect(others.id).not.toBe("");
  const inspectElsewhere: HttpServerOptions["inspectElsewhere"] = (type, id, how) =>
    followInspection(asAsker() as never, type, id, how);
  const inspections = { open: () => "elsewhere" as const, count: () => 0, committed() {}, released() {} };
  await using server = await listen([0], { inspectElsewhere, inspections });
  const idIn = (partition: number) =>
    Array.from({ length: 99 }, (_, index) => `i-${index}`).find((id) => partitionOf(id, PARTITIONS) === partition) ??
    "";
  const ending = new AbortController();
  const response = await fetch(`${server.url}/api/orders/${idIn(1)}/inspect`, { signal: ending.signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(`data: {"id":"${idIn(1)}"}\n\n`);
  ending.abort();
  expect((await fetch(`${server.url}/api/orders/${idIn(3)}/inspect`)).status).toBe(503);
});
