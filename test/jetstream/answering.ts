import { connect, createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll } from "vitest";
import { createActivity } from "../../src/answers/activity.ts";
import type { Answers } from "../../src/answers/answers.ts";
import { createQuestions } from "../../src/answers/questions.ts";
import { type QueryService, type QueryServiceOptions, startQueryService } from "../../src/jetstream/query-service.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { fill, type OrderBook, openOrderBook, order, PARTITIONS } from "../store/order-book.ts";

export let server: TestServer;
export let book: OrderBook;

/** The daemons' connection, and the asker's. */
export let nc: NatsConnection;

export let asker: NatsConnection;
const ORDERS = 60;

/** A filled store, a connection for daemons that answer from it, and one for who asks. */
export function useAnswers(): void {
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
}

/** What answers for every actor in these rows, and keeps no inspector. */
export function answersOf(nc: NatsConnection, queries: Answers): QueryServiceOptions {
  return {
    ...{ nc, types: [order], queries, questions: createQuestions() },
    release: () => undefined,
    inspections: { open: () => "elsewhere", count: () => 0, committed() {}, released() {} },
    ...{ activity: createActivity([order]), partitions: PARTITIONS },
    ...{
      whereabouts: () => "here",
      pastOf: () => undefined,
      ownedPartitions: () => undefined,
      isSettling: () => false,
    },
    ...{ instance: "test", version: "0.1.0", onError() {} },
  };
}

/** A daemon that owns `partitions`, by default all. */
export async function start(
  partitions?: readonly number[],
  options: Partial<QueryServiceOptions> = {},
): Promise<QueryService & AsyncDisposable> {
  const owns = (id: string) => partitions?.includes(partitionOf(id, PARTITIONS)) ?? true;
  const service = await startQueryService({
    ...answersOf(nc, book.queries),
    whereabouts: (_, id) => (owns(id) ? "here" : "elsewhere"),
    ownedPartitions: () => partitions,
    ...options,
  });
  return { ...service, [Symbol.asyncDispose]: service.stop };
}

/** The asker's connection, as a query client takes it. */
export function asAsker() {
  return { nc: asker, newInbox: createInbox };
}

export async function ask(question: string, parameters?: object | string): Promise<Msg> {
  const body = typeof parameters === "object" ? JSON.stringify(parameters) : parameters;
  return asker.request(`natstate.orders.${question}`, body, { timeout: 2000 });
}

/** Every answer to a question, and one more when there are more than `expected`. */
export async function askAll(question: string, expected: number, parameters?: object): Promise<Msg[]> {
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

export interface OrderPage {
  readonly orders: { readonly orderId: string }[];
  readonly nextCursor: string | null;
}
