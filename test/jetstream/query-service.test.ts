import { ServiceError, Svcm } from "@nats-io/services";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type Past, readPast } from "../../src/answers/find-actor.ts";
import type { Queries } from "../../src/answers/queries.ts";
import { createQuestions } from "../../src/answers/questions.ts";
import { renderActor, renderList, withPast } from "../../src/cli/actors-text.ts";
import { createQueryClient } from "../../src/jetstream/query-client.ts";
import { type QueryService, type QueryServiceOptions, startQueryService } from "../../src/jetstream/query-service.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { orderEvent } from "../flow/order-events.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { fill, type OrderBook, openOrderBook, order, PARTITIONS } from "../store/order-book.ts";

let server: TestServer;
let book: OrderBook;
/** The daemons' connection, and the asker's. */
let nc: NatsConnection;
let asker: NatsConnection;
const ORDERS = 60;

beforeAll(async () => {
  server = await startTestServer();
  nc = await connect({ servers: server.url });
  asker = await connect({ servers: server.url });
  book = openOrderBook();
  fill(book, ORDERS);
});

afterAll(async () => {
  await asker.close();
  await nc.close();
  book[Symbol.dispose]();
  await server.stop();
});

/** A daemon that owns `partitions`, by default all. */
async function start(
  partitions?: readonly number[],
  options: Partial<QueryServiceOptions> = {},
): Promise<QueryService & AsyncDisposable> {
  const owns = (id: string) => partitions?.includes(partitionOf(id, PARTITIONS)) ?? true;
  const service = await startQueryService({
    nc,
    types: [order],
    queries: book.queries,
    whereabouts: (_: ActorType, id: string) => (owns(id) ? "here" : "elsewhere"),
    ownedPartitions: () => partitions,
    cluster: "test@1",
    instance: "test",
    version: "0.1.0",
    ...options,
  });
  return { ...service, [Symbol.asyncDispose]: service.stop };
}

async function ask(question: string, parameters?: object | string): Promise<Msg> {
  const body = typeof parameters === "object" ? JSON.stringify(parameters) : parameters;
  return asker.request(`natstate.orders.${question}`, body, { timeout: 2000 });
}

/** Every answer to a question, and one more when there are more than `expected`. */
async function askAll(question: string, expected: number, parameters?: object): Promise<Msg[]> {
  const answers: Msg[] = [];
  const body = parameters && JSON.stringify(parameters);
  for await (const answer of await asker.requestMany(`natstate.orders.${question}`, body, {
    strategy: "stall",
    stall: 200,
    maxMessages: expected + 1,
    maxWait: 2000,
  })) {
    answers.push(answer);
  }
  return answers;
}

interface OrderPage {
  readonly orders: { readonly orderId: string }[];
  readonly nextCursor: string | null;
}

describe("one daemon", () => {
  it("answers what the store answers", async () => {
    await using _ = await start();
    const id = "order-1003";
    expect((await ask(`get.${id}`)).json()).toEqual(asJson(book.answers.get(order, id)));
    expect((await ask(`history.${id}`)).json()).toEqual(asJson(book.answers.history(order, id)));
    expect((await ask("stats")).json()).toEqual(asJson(book.queries.stats(order)));
    expect((await ask("list")).json<OrderPage>().orders).toHaveLength(50);
    const filtered = (await ask("list", { state: "payment_failed", limit: 5 })).json<OrderPage>().orders;
    expect(filtered.length).toBeGreaterThan(0);
    for (const summary of filtered) expect(summary).toMatchObject({ processingStatus: "payment_failed" });
  });

  it("takes ids with a colon", async () => {
    await using _ = await start();
    book.processor.apply([orderEvent(50_000, "shop:7:o", "OrderCreated", 1)]);
    expect((await ask("get.shop:7:o")).json()).toMatchObject({ orderId: "shop:7:o", processingStatus: "processing" });
  });

  it("is found as a micro service of its cluster, with its endpoints and their counts", async () => {
    await using service = await start();
    await ask("stats");
    const client = new Svcm(asker).client({ strategy: "stall", maxWait: 1000 });
    const [pinged, ...others] = await collect(await client.ping("natstate"));
    expect(others).toEqual([]);
    expect(pinged).toMatchObject({
      name: "natstate",
      id: service.id,
      version: "0.1.0",
      metadata: { cluster: "test@1", instance: "test" },
    });
    const [info] = await collect(await client.info("natstate", service.id));
    expect(info?.endpoints.map(({ name, subject, queue_group }) => [name, subject, queue_group ?? ""])).toEqual([
      ["orders-get", "natstate.orders.get.*", ""],
      ["orders-history", "natstate.orders.history.*", ""],
      ["orders-list", "natstate.orders.list", ""],
      ["orders-stats", "natstate.orders.stats", ""],
    ]);
    const [stats] = await collect(await client.stats("natstate", service.id));
    expect(stats?.endpoints?.find(({ name }) => name === "orders-stats")?.num_requests).toBe(1);
  });

  it.each([
    ["get.nobody", 404, 'no order "nobody" here; ids are case-sensitive', undefined],
    ["history.nobody", 404, "no order", undefined],
    ["list", 400, "state", { state: "shipped" }],
    ["list", 400, 'limit: 0 is not a whole number from 1 to 200; "problem" is not', { limit: 0, problem: "mine" }],
    ["list", 400, "cursor: not from this daemon", { cursor: "c2Vlbjox" }],
    ["list", 400, "cursor: 5 is not", { cursor: 5 }],
    ["list", 400, "body: expected a JSON object", "[]"],
    ["list", 400, "body: expected a JSON object", "{"],
    ["list", 400, "body: expected a JSON object", "null"],
    ["list", 400, "at most 4 KiB", `{"state":"${"x".repeat(5000)}"}`],
  ] as const)("refuses %s with %i: %s", async (question, status, text, parameters) => {
    await using _ = await start();
    const answer = await ask(question, parameters);
    expect(ServiceError.toServiceError(answer)).toMatchObject({ code: status, message: expect.stringContaining(text) });
    expect(answer.json()).toMatchObject({ error: { message: expect.stringContaining(text) } });
  });

  it("does not say of an order that there is none while its partition is still being read", async () => {
    await using _ = await start(undefined, { whereabouts: () => "catching_up" });
    expect((await ask("get.shop:7:o")).json()).toMatchObject({ orderId: "shop:7:o" });
    const answer = await ask("get.nobody");
    expect(ServiceError.toServiceError(answer)).toMatchObject({
      code: 503,
      message: expect.stringContaining("not here yet"),
    });
    const asked = createQueryClient(asker).get(order, "nobody");
    await expect(asked).rejects.toMatchObject({
      problem: "catching_up",
      message: expect.stringContaining("ask again"),
    });
  });

  it("says with every answer that it is of the past, and of which time, while partitions are still being read", async () => {
    const asOf = "2026-03-01T00:00:00.060Z";
    const pastOf = (_: ActorType, id?: string): Past => ({
      ...{ catchingUp: true, asOf },
      ...(id === undefined && { catchingUpPartitions: [1, 3] }),
    });
    await using _ = await start(undefined, { whereabouts: () => "catching_up", pastOf });
    for (const question of ["get.order-1003", "history.order-1003"]) {
      const answer = (await ask(question)).json();
      expect(answer).toMatchObject({ orderId: "order-1003", catchingUp: true, asOf });
      expect(answer).not.toHaveProperty("catchingUpPartitions");
    }
    for (const question of ["list", "stats"]) {
      expect((await ask(question)).json()).toMatchObject({ catchingUp: true, asOf, catchingUpPartitions: [1, 3] });
    }
    const client = createQueryClient(asker);
    const list = await client.list(order, {}, 3);
    expect(list.past).toEqual({ catchingUp: true, asOf, catchingUpPartitions: [1, 3] });
    expect(withPast(renderList(order, list), list.past).join("\n")).toMatch(
      /\n\nof the past, as of 2026-03-01T00:00:00.060Z: partitions 1,3 are still being read, ask again$/,
    );
    const one = await client.get(order, "order-1003");
    expect(one && withPast(renderActor(order, one), readPast(one)).join("\n")).toMatch(
      /\n\nof the past, as of 2026-03-01T00:00:00.060Z: its partition is still being read, ask again$/,
    );
    expect(one && renderActor(order, one).join("\n")).not.toContain("asOf");
  });

  it("says of a retired order that it is, and the asker tells that apart from an order nobody has heard of", async () => {
    const retired = {
      status: "kept",
      retiredAt: "2026-06-01T00:00:00Z",
      lastUpdated: "2026-03-01T00:00:00Z",
      version: 5,
      revision: 2,
      parked: 0,
    } as const;
    const queries: Queries = { ...book.queries, retired: (_, id) => (id === "old" ? retired : undefined) };
    await using _ = await start(undefined, { queries });
    const answer = await ask("get.old");
    expect(ServiceError.toServiceError(answer)).toMatchObject({
      code: 410,
      message: expect.stringMatching(/^order old is retired since 2026-06-01T00:00:00Z: 5 events, .* revision 2/),
    });
    expect(answer.json()).toMatchObject({ error: { code: "retired" } });
    const client = createQueryClient(asker);
    await expect(client.history(order, "old")).rejects.toMatchObject({ problem: "retired" });
    expect(await client.get(order, "nobody")).toBeUndefined();
  });

  it("says nothing of its inside when a question fails, and goes on", async () => {
    const failures: string[] = [];
    const queries: Queries = {
      ...book.queries,
      stats() {
        throw new Error("/secret/path is corrupt");
      },
    };
    const onError = (error: Error, subject: string) => failures.push(`${subject}: ${error.message}`);
    await using _ = await start(undefined, { queries, onError });
    const answer = await ask("stats");
    expect(ServiceError.toServiceError(answer)?.code).toBe(500);
    expect(answer.string()).not.toContain("secret");
    expect(failures).toEqual(["natstate.orders.stats: /secret/path is corrupt"]);
    expect(ServiceError.isServiceError(await ask("list"))).toBe(false);
  });

  it("of two thousand questions about a long history at once, those that cannot wait are told to ask again", async () => {
    await using _ = await start();
    book.processor.apply(
      Array.from({ length: 1500 }, (_, index) => orderEvent(55_000 + index, "long", "PaymentProcessed", index)),
    );
    const question = () =>
      asker.request("natstate.orders.history.long", "", { timeout: 10_000 }).catch(() => undefined);
    const answers = await Promise.all(Array.from({ length: 2000 }, question));
    const codes = answers.map((answer) => answer && (ServiceError.toServiceError(answer)?.code ?? 200));
    expect(codes.filter((code) => code === 200).length).toBeGreaterThan(0);
    expect(codes.filter((code) => code === 429).length).toBeGreaterThan(1000);
    // Whoever asks as natstate itself does asks again.
    const crowd = Array.from({ length: 300 }, question);
    expect(await createQueryClient(asker).get(order, "long")).toMatchObject({ version: 1500 });
    await Promise.all(crowd);
  });

  it("says so when NATS cannot carry the answer", async () => {
    await using _ = await start();
    const items = Array.from({ length: 900 }, (_, index) => ({ sku: `sku-${index}-${"x".repeat(30)}`, quantity: 1 }));
    book.processor.apply(
      Array.from({ length: 45 }, (_, index) => orderEvent(60_000 + index, "big", "OrderCreated", index, { items })),
    );
    expect(ServiceError.toServiceError(await ask("history.big"))).toMatchObject({
      code: 413,
      message: expect.stringContaining("ask over HTTP"),
    });
  });

  it("answers nothing more once it is stopped", async () => {
    const service = await start();
    await service.stop();
    await expect(ask("stats")).rejects.toThrow("no responders");
  });
});

describe("several daemons", () => {
  it("one that is asked too much denies no answer that is another's to give", async () => {
    const questions = createQuestions({ maxWaiting: 0 });
    await using _a = await start([0, 1], { questions });
    await using _b = await start([2, 3]);
    const ids = (book.queries.list(order, { limit: 20 }, [2]) as unknown as OrderPage).orders;
    for (const { orderId } of ids) {
      const answers = await askAll(`get.${orderId}`, 1);
      expect(answers.map((answer) => answer.json<{ orderId?: string }>().orderId)).toEqual([orderId]);
    }
  });

  it("an order is told by the owner of its partition alone", async () => {
    await using _a = await start([0, 1]);
    await using _b = await start([2, 3]);
    const ids = (book.queries.list(order, { limit: 5 }) as unknown as OrderPage).orders;
    for (const { orderId } of ids) {
      const answers = await askAll(`get.${orderId}`, 1);
      expect(answers.map((answer) => answer.json<{ orderId: string }>().orderId)).toEqual([orderId]);
    }
    const unknown = await askAll("get.nobody", 1);
    expect(unknown.map((answer) => ServiceError.toServiceError(answer)?.code)).toEqual([404]);
  });

  it("lists and counts come from each for its own partitions, and add up", async () => {
    await using _a = await start([0, 1]);
    await using _b = await start([2, 3]);
    const { total } = book.queries.stats(order).orders as { total: number };
    const counts = (await askAll("stats", 2)).map(
      (answer) => answer.json<{ orders: { total: number } }>().orders.total,
    );
    expect(counts).toHaveLength(2);
    expect(counts.reduce((a, b) => a + b)).toBe(total);
    const listed = (await askAll("list", 2, { limit: 200 })).flatMap((answer) => answer.json<OrderPage>().orders);
    expect(new Set(listed.map(({ orderId }) => orderId)).size).toBe(total);
  });

  it("of several answers the one furthest in the past says when that is", async () => {
    const past = (asOf: string | null, partition: number) => ({
      pastOf: (): Past => ({ catchingUp: true, asOf, catchingUpPartitions: [partition] }),
    });
    await using _a = await start([0], past("2026-03-01T00:00:02Z", 0));
    await using _b = await start([1, 2, 3]);
    const client = createQueryClient(asker);
    expect(await client.stats(order)).toMatchObject({
      ...{ catchingUp: true, asOf: "2026-03-01T00:00:02Z", catchingUpPartitions: [0] },
      orders: book.queries.stats(order).orders,
    });
    {
      await using _c = await start([3], past("2026-03-01T00:00:01Z", 3));
      expect((await client.list(order, {}, 3)).past).toMatchObject({
        ...{ asOf: "2026-03-01T00:00:01Z", catchingUpPartitions: [0, 3] },
      });
    }
  });

  it("a cursor is followed by the daemon that gave it", async () => {
    await using _a = await start([0, 1]);
    await using _b = await start([2, 3]);
    const ids: string[] = [];
    const cursors: (string | null)[] = [];
    for (const answer of await askAll("list", 2, { limit: 10 })) take(answer);
    while (cursors.length > 0) {
      const cursor = cursors.pop();
      if (typeof cursor !== "string") continue;
      const answers = await askAll("list", 1, { limit: 10, cursor });
      expect(answers).toHaveLength(1);
      for (const answer of answers) take(answer);
    }
    const { total } = book.queries.stats(order).orders as { total: number };
    expect(ids).toHaveLength(total);
    expect(new Set(ids).size).toBe(total);

    function take(answer: Msg): void {
      const { orders, nextCursor } = answer.json<OrderPage>();
      ids.push(...orders.map(({ orderId }) => orderId));
      cursors.push(nextCursor);
    }
  });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

it("an answer never goes to a subject at which it would become something else", async () => {
  await using _service = await start();
  const arrived: string[] = [];
  const subscription = asker.subscribe(">", { callback: (_, { subject }) => void arrived.push(subject) });
  const stolen = [
    "decisions.orders.x",
    "deadletters.orders.x",
    "orders.x.PaymentProcessed",
    "$JS.ACK.ORDERS.orders-0.1.1",
  ];
  const [id] = [...book.db.prepare("SELECT id FROM actors").pluck().iterate()];
  for (const reply of stolen) asker.publish(`natstate.orders.get.${id}`, "", { reply });
  expect((await ask(`get.${id}`)).json()).toMatchObject({ orderId: id });
  subscription.unsubscribe();
  expect(arrived.filter((subject) => stolen.includes(subject))).toEqual([]);
});
