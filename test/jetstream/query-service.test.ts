import { ServiceError, Svcm } from "@nats-io/services";
import { expect, it } from "vitest";
import { createQueryClient } from "../../src/members/query-client.ts";
import { orderEvent } from "../flow/order-events.ts";
import { parcelType } from "../parcel.ts";
import { order } from "../store/order-book.ts";
import { asAsker, ask, asker, book, type OrderPage, start, useAnswers } from "./answering.ts";

useAnswers();

it("answers what the store answers", async () => {
  await using _ = await start();
  const id = "order-1003";
  expect((await ask(`get.${id}`)).json()).toEqual(asJson(book.answers.get(order, id)));
  expect((await ask(`history.${id}`)).json()).toEqual(asJson(book.answers.history(order, id)));
  const share = { partitions: [0, 1, 2, 3], of: 4 };
  expect((await ask("stats")).json()).toEqual(asJson({ ...book.queries.stats(order), share }));
  expect((await ask(`steps.${id}`)).json()).toEqual(asJson(book.answers.steps(order, id)));
  expect((await ask(`next.${id}`, { at: 1 })).json()).toEqual(asJson(book.answers.next(order, id, 1)));
  expect((await ask("list")).json<OrderPage>().orders).toHaveLength(50);
  const filtered = (await ask("list", { state: "payment_failed", limit: 5 })).json<OrderPage>().orders;
  expect(filtered.length).toBeGreaterThan(0);
  for (const summary of filtered) expect(summary).toMatchObject({ processingStatus: "payment_failed" });
});

it("tells its types to who has not their code", async () => {
  await using _ = await start();
  const [type, ...others] = await createQueryClient(asAsker()).types();
  expect(others).toEqual([]);
  expect(type).toMatchObject({ name: "order", collection: "orders", idField: "orderId", states: order.states });
  expect(Object.keys(type?.events ?? {})).toEqual(Object.keys(order.events));
  const list = await createQueryClient(asAsker()).list(type as typeof order, { state: "payment_failed" }, 5);
  expect(list.actors).toHaveLength(5);
});

it("of daemons that know different types, or versions of one, those of all are told, each in its highest version", async () => {
  const newer = { ...order, version: order.version + 1 };
  const known = { order: newer.version, parcel: 1 };
  await using first = await start();
  await using second = await start(undefined, { types: [newer, parcelType] });
  await using third = await start();
  for (const daemon of [first, second, third]) daemon.know(known);
  const types = await createQueryClient(asAsker()).types();
  expect(types.map(({ name, version }) => [name, version]).sort()).toEqual([
    ["order", newer.version],
    ["parcel", 1],
  ]);
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
    metadata: { instance: "test" },
  });
  const [info] = await collect(await client.info("natstate", service.id));
  expect(info?.endpoints.map(({ name, subject, queue_group }) => [name, subject, queue_group ?? ""])).toEqual([
    ["types", "natstate.types", ""],
    ["orders-get", "natstate.orders.get.*", ""],
    ["orders-history", "natstate.orders.history.*", ""],
    ["orders-steps", "natstate.orders.steps.*", ""],
    ["orders-next", "natstate.orders.next.*", ""],
    ["orders-list", "natstate.orders.list", ""],
    ["orders-stats", "natstate.orders.stats", ""],
    ["orders-pulse", "natstate.orders.pulse", ""],
    ["orders-dead-letters-list", "natstate.orders.dead-letters.list", ""],
    ["orders-dead-letters-show", "natstate.orders.dead-letters.show", ""],
    ["orders-quarantine-list", "natstate.orders.quarantine.list", ""],
    ["orders-quarantine-show", "natstate.orders.quarantine.show.*", ""],
    ["orders-quarantine-release", "natstate.orders.quarantine.release.*", ""],
    ["orders-inspect", "natstate.orders.inspect.*", ""],
  ]);
  const [stats] = await collect(await client.stats("natstate", service.id));
  expect(stats?.endpoints?.find(({ name }) => name === "orders-stats")?.num_requests).toBe(1);
});

it.each([
  ["get.nobody", 404, 'no order "nobody" here; ids are case-sensitive', undefined],
  ["history.nobody", 404, "no order", undefined],
  ["list", 400, "state", { state: "shipped" }],
  ["list", 400, 'limit: 0 is not a whole number from 1 to 200; "problem" is not', { limit: 0, problem: "mine" }],
  ["list", 400, 'cursor: "c2Vlbjox" is not the nextCursor', { cursor: "c2Vlbjox" }],
  ["next.order-1003", 400, "at: 501 is not", { at: 501 }],
  ["dead-letters.show", 400, "sequence: expected", { sequence: "x" }],
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

it("says nothing of its inside when a question fails, and goes on", async () => {
  const failures: string[] = [];
  const queries: typeof book.queries = {
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
  const question = () => asker.request("natstate.orders.history.long", "", { timeout: 10_000 }).catch(() => undefined);
  const answers = await Promise.all(Array.from({ length: 2000 }, question));
  const codes = answers.map((answer) => answer && (ServiceError.toServiceError(answer)?.code ?? 200));
  expect(codes.filter((code) => code === 200).length).toBeGreaterThan(0);
  expect(codes.filter((code) => code === 429).length).toBeGreaterThan(1000);
  // Whoever asks as natstate itself does asks again.
  const crowd = Array.from({ length: 300 }, question);
  expect(await createQueryClient(asAsker()).get(order, "long")).toMatchObject({ version: 1500 });
  await Promise.all(crowd);
});

it("says so when NATS cannot carry the answer", async () => {
  await using _ = await start();
  const items = Array.from({ length: 900 }, (_, index) => ({ sku: `sku-${index}-${"x".repeat(30)}`, quantity: 1 }));
  book.processor.apply(
    Array.from({ length: 45 }, (_, index) =>
      orderEvent(60_000 + index, "big", "OrderCreated", { second: index, items }),
    ),
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

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
