import { ServiceError } from "@nats-io/services";
import { headers } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import type { ActorSummary } from "../../src/answers/queries.ts";
import { QUESTION_ID } from "../../src/jetstream/answer-pieces.ts";
import { createAsking } from "../../src/members/asking.ts";
import { createWhole, type Whole } from "../../src/members/whole.ts";
import { orderEvent } from "../flow/order-events.ts";
import { asAsker, asker, book, start, useAnswers } from "../jetstream/answering.ts";
import { order, PARTITIONS } from "../store/order-book.ts";
import { walk, walkDeadLetters } from "../store/paging.ts";

useAnswers();

const asWhole = (patienceMs = 2000): Whole =>
  createWhole(createAsking({ ...asAsker(), patienceMs, partitions: PARTITIONS }));

it("lists, counts and dead letters of several daemons are those of all, whoever owns what when the next page is asked for", async () => {
  const whole = asWhole();
  const ids: unknown[] = [];
  let cursor: string | null | undefined;
  for (const split of [
    [
      [0, 1],
      [2, 3],
    ],
    [[0, 1, 2, 3]],
    [[3], [0], [1, 2]],
    [[0, 1, 2, 3], []],
  ]) {
    await using stack = new AsyncDisposableStack();
    for (const partitions of split) stack.use(await start(partitions));
    const page = await whole.list(order, { limit: 13, ...(cursor && { cursor }) });
    ids.push(...(page.orders as readonly ActorSummary[]).map(({ orderId }) => orderId));
    cursor = page.nextCursor;
    expect(await whole.stats(order)).toEqual(JSON.parse(JSON.stringify(book.queries.stats(order))));
  }
  const all = walk(book.queries, { limit: 200 }).map(({ orderId }) => orderId);
  expect(ids).toEqual(all.slice(0, ids.length));
  expect(ids).toHaveLength(52);
  await using _a = await start([0, 1]);
  await using _b = await start([2, 3]);
  const letters = walkDeadLetters(book.queries, { limit: 200 });
  expect((await whole.deadLetters(order, { limit: 200 })).deadLetters).toEqual(letters);
  const sequence = letters[0]?.sequence ?? 0;
  expect((await whole.deadLetter(order, sequence)).deadLetter).toMatchObject({ sequence });
  expect(await whole.deadLetter(order, 99_999)).toEqual({ deadLetter: undefined, past: undefined });
});

it("while a partition settles, whoever asks what waits for its turn already is given the same answer", async () => {
  let isSettling = true;
  let times = 0;
  const queries = {
    ...book.queries,
    list: (...of: Parameters<typeof book.queries.list>) => {
      if (of[1].limit === 50) times++;
      return book.queries.list(...of);
    },
  };
  await using _all = await start([0, 1, 2, 3], { isSettling: () => isSettling, queries });
  const whole = asWhole(20_000);
  const before = Array.from({ length: 8 }, (_, index) => whole.list(order, { limit: index + 1 }));
  const same = Array.from({ length: 100 }, () => whole.list(order, { limit: 50 }));
  isSettling = false;
  await Promise.all(before);
  expect(await Promise.all(same)).toEqual(Array(100).fill(book.queries.list(order, { limit: 50 })));
  expect(times).toBe(1);
  await whole.list(order, { limit: 50 });
  expect(times, "what is asked later is told anew").toBe(2);
});

it("whoever joins a question that waits is not given up on before its own patience ends", async () => {
  await using _a = await start([0, 1]);
  const whole = asWhole(1000);
  const before = Array.from({ length: 9 }, (_, index) => whole.list(order, { limit: index + 1 }));
  const failed = Promise.allSettled(before);
  await new Promise((resolve) => setTimeout(resolve, 600));
  const joined = whole.list(order, { limit: 9 });
  // Handled from the beginning, also where it fails.
  joined.catch(() => {});
  expect((await failed).map(({ status }) => status)).toEqual(Array(9).fill("rejected"));
  await using _b = await start([2, 3]);
  expect(await joined).toEqual(book.queries.list(order, { limit: 9 }));
});

it("partitions nobody answers for are named, and asked for again until somebody does", async () => {
  await using _a = await start([0, 1]);
  await expect(asWhole(300).stats(order)).rejects.toMatchObject({
    problem: "no_answer",
    message: expect.stringContaining("partitions 2, 3 of orders"),
  });
  const asked = asWhole().stats(order);
  await using _b = await start([2, 3]);
  expect(await asked).toMatchObject({ orders: book.queries.stats(order).orders });
});

it("while two claim a partition nothing is counted", async () => {
  let claimed = [1, 2, 3];
  await using _a = await start([0, 1]);
  await using _b = await start([2, 3], { ownedPartitions: () => claimed });
  await expect(asWhole(300).stats(order)).rejects.toMatchObject({ problem: "no_answer" });
  const asked = asWhole().stats(order);
  claimed = [2, 3];
  expect(await asked).toMatchObject({ orders: book.queries.stats(order).orders });
});

it("a partition that has just moved is waited for until it is read, one that takes long is not, and said to be of the past", async () => {
  const standing = { isBehind: true, isSettling: true };
  await using _a = await start([0, 1]);
  await using _b = await start([2, 3], {
    isSettling: () => standing.isSettling,
    pastOf: () => (standing.isBehind ? { catchingUp: true, asOf: null, catchingUpPartitions: [3] } : undefined),
  });
  let answered: object | undefined;
  const asked = asWhole(60_000)
    .list(order, {})
    .then((page) => (answered = page));
  // The live figures do not wait.
  expect((await asWhole().pulse(order))?.stats).toMatchObject({ catchingUpPartitions: [3] });
  expect(answered).toBeUndefined();
  Object.assign(standing, { isBehind: false, isSettling: false });
  expect(await asked).not.toHaveProperty("catchingUp");
  Object.assign(standing, { isBehind: true });
  expect(await asWhole(60_000).list(order, {})).toMatchObject({ catchingUp: true, catchingUpPartitions: [3] });
  // Also who moved for as long as anybody waits is answered.
  Object.assign(standing, { isSettling: true });
  expect(await asWhole(400).list(order, {})).toMatchObject({ catchingUp: true, catchingUpPartitions: [3] });
});

it("an owner is asked again until there is one", async () => {
  await using _elsewhere = await start([]);
  const id = "order-1003";
  await expect(asWhole(300).owner(order, "get", id)).rejects.toMatchObject({ problem: "no_answer" });
  const asked = asWhole().owner(order, "get", id);
  await using _here = await start([0, 1, 2, 3]);
  const { status, body } = await asked;
  expect(status).toBe(200);
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ orderId: id });
  expect(await asWhole().owner(order, "get", "nobody")).toMatchObject({ status: 404 });
});

it("an answer larger than a NATS message comes whole to who takes it in pieces, many at once", async () => {
  await using _ = await start();
  const items = Array.from({ length: 900 }, (_, index) => ({ sku: `sku-${index}-${"x".repeat(30)}`, quantity: 1 }));
  book.processor.apply(
    Array.from({ length: 60 }, (_, index) =>
      orderEvent(70_000 + index, "large", "OrderCreated", { second: index, items }),
    ),
  );
  const whole = asWhole(40_000);
  const answers = await Promise.all(Array.from({ length: 2 }, () => whole.owner(order, "history", "large")));
  const expected = JSON.stringify(book.answers.history(order, "large"));
  const maxBytes = asker.info?.max_payload ?? 0;
  expect(expected.length).toBeGreaterThan(maxBytes);
  for (const { body } of answers) expect(Buffer.from(body).toString()).toBe(expected);
  const takes = headers();
  takes.set(QUESTION_ID, "one");
  const first = await asker.request("natstate.orders.history.large", "", { headers: takes, timeout: 5000 });
  expect(ServiceError.isServiceError(first)).toBe(false);
  expect(first.data.length).toBeLessThan(maxBytes);
});

it("the live figures of several daemons are the sum, and say which partitions they lack", async () => {
  await using _a = await start([0, 1]);
  const lacking = await asWhole().pulse(order);
  expect(lacking?.missing).toEqual([2, 3]);
  await using _b = await start([2, 3]);
  const pulse = await asWhole().pulse(order);
  expect(pulse).not.toHaveProperty("missing");
  expect(pulse?.stats.orders).toEqual(book.queries.stats(order).orders);
  expect(pulse?.activity.seconds.events).toHaveLength(299);
});
