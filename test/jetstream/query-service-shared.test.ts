import { ServiceError } from "@nats-io/services";
import type { Msg } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import type { Past } from "../../src/answers/find-actor.ts";
import { createQuestions } from "../../src/answers/questions.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { order } from "../store/order-book.ts";
import { asAsker, askAll, book, type OrderPage, start, useAnswers } from "./answering.ts";

useAnswers();

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
  const counts = (await askAll("stats", 2)).map((answer) => answer.json<{ orders: { total: number } }>().orders.total);
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
  await using _b = await start([1, 2]);
  const client = createQueryClient(asAsker());
  {
    await using _c = await start([3]);
    expect(await client.stats(order)).toMatchObject({
      ...{ catchingUp: true, asOf: "2026-03-01T00:00:02Z", catchingUpPartitions: [0] },
      orders: book.queries.stats(order).orders,
    });
  }
  {
    await using _c = await start([3], past("2026-03-01T00:00:01Z", 3));
    expect((await client.list(order, {}, 3)).past).toMatchObject({
      ...{ asOf: "2026-03-01T00:00:01Z", catchingUpPartitions: [0, 3] },
    });
  }
});

it("a cursor is followed by every daemon for its own partitions, whoever gave it", async () => {
  const ids: string[] = [];
  let cursor: string | null | undefined;
  {
    await using _ = await start();
    const [first] = await askAll("list", 1, { limit: 10 });
    take(first as Msg);
    cursor = first?.json<OrderPage>().nextCursor;
  }
  await using _a = await start([0, 1]);
  await using _b = await start([2, 3]);
  for (const answer of await askAll("list", 2, { limit: 200, cursor })) take(answer);
  const { total } = book.queries.stats(order).orders as { total: number };
  expect(ids).toHaveLength(total);
  expect(new Set(ids).size).toBe(total);

  function take(answer: Msg): void {
    ids.push(...answer.json<OrderPage>().orders.map(({ orderId }) => orderId));
  }
});
