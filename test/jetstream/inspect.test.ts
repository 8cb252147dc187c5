import { Svcm } from "@nats-io/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInspections, type Inspections } from "../../src/answers/inspection.ts";
import type { InspectionMessage } from "../../src/answers/inspection-messages.ts";
import { followInspection } from "../../src/jetstream/inspect-client.ts";
import { createInspectLeases } from "../../src/jetstream/inspect-service.ts";
import { startQueryService } from "../../src/jetstream/query-service.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { type OrderBook, openOrderBook, order } from "../store/order-book.ts";
import { until } from "../until.ts";
import { answersOf } from "./answering.ts";

let server: TestServer;
let book: OrderBook;
/** The daemon's connection, and the inspector's. */
let session: Session;
let asker: Session;
let sequence = 0;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "daemon" }, () => {});
  asker = await openSession({ url: server.url, name: "inspector" }, () => {});
  book = openOrderBook();
});

afterAll(async () => {
  await asker.close();
  await session.close();
  book[Symbol.dispose]();
  await server.stop();
});

/** A daemon's inspections, answered over NATS as the daemon does. */
async function start(options: { maxInspectors?: number; owns?: () => boolean } = {}) {
  const owns = options.owns ?? (() => true);
  const inspections = createInspections({
    journal: book.journal,
    laneOf: () => orderLane,
    onError: (error) => {
      throw error;
    },
    ...options,
    owns,
  });
  const service = await startQueryService({
    ...answersOf(session.nc, book.queries),
    inspections,
    whereabouts: () => (owns() ? "here" : "elsewhere"),
  });
  return { inspections, [Symbol.asyncDispose]: () => service.stop() };
}

/** Follows an order until it is disposed of. */
function follow(id: string, { renewMs = 10_000, redact = false } = {}) {
  const ending = new AbortController();
  const messages: InspectionMessage[] = [];
  const following = (async () => {
    for await (const json of followInspection(asker, order, id, { redact, signal: ending.signal, renewMs })) {
      messages.push(JSON.parse(json));
    }
  })();
  const failed = following.then(
    () => undefined,
    (error: Error) => error,
  );
  return {
    messages,
    failed,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await failed;
    },
  };
}

function apply(inspections: Inspections, id: string, type: Parameters<typeof orderEvent>[2]): void {
  sequence++;
  inspections.committed(book.processor.apply([orderEvent(sequence, id, type, sequence)]), 1, 1);
}

test("the past, then what happens, until the inspector has seen enough", async () => {
  await using daemon = await start();
  apply(daemon.inspections, "o", "OrderCreated");
  {
    await using inspector = follow("o");
    await until("the past is told", () => inspector.messages.length === 5);
    apply(daemon.inspections, "o", "PaymentProcessed");
    await until("the event is told", () => inspector.messages.length === 7);
    expect(inspector.messages.map(({ type }) => type.slice(8)).join()).toBe(
      "actor,event,snapshot,event,snapshot,event,snapshot",
    );
    expect(daemon.inspections.count()).toBe(1);
  }
  await until("the daemon has forgotten it", () => daemon.inspections.count() === 0);
});

test("what an inspector asked to be redacted never leaves the daemon", async () => {
  await using daemon = await start();
  apply(daemon.inspections, "r", "OrderCreated");
  await using inspector = follow("r", { redact: true });
  await until("the past is told", () => inspector.messages.length === 5);
  expect(JSON.stringify(inspector.messages)).not.toContain("customer-456");
});

test("an inspector that asks again keeps its lease, and is not told the past again", async () => {
  await using daemon = await start();
  await using inspector = follow("k", { renewMs: 20 });
  await until("it is told", () => inspector.messages.length === 3);
  const asked = () => session.nc.stats().inMsgs;
  const before = asked();
  await until("it has asked again", () => asked() > before + 3);
  expect(inspector.messages).toHaveLength(3);
  expect(daemon.inspections.count()).toBe(1);
});

test("a lease that is not renewed ends, without a word", async () => {
  const inspections = createInspections({
    journal: book.journal,
    laneOf: () => orderLane,
    owns: () => true,
    onError: () => {},
  });
  const leases = createInspectLeases(session.nc, inspections, 50);
  const service = await new Svcm(session.nc).add({ name: "leases", version: "0.1.0" });
  service.addEndpoint("inspect", {
    subject: "natstate.orders.inspect.l",
    handler: (_, message) => leases.ask(order, "l", message),
  });
  await session.nc.flush();
  await using inspector = follow("l");
  await until("it is told", () => inspector.messages.length === 3);
  await until("the lease has ended", () => inspections.count() === 0);
  await session.nc.flush();
  expect(inspector.messages).toHaveLength(3);
  await service.stop();
});

test("a daemon that starts after the inspector, or anew, is found and begins with the past", async () => {
  await using inspector = follow("w", { renewMs: 20 });
  {
    await using _ = await start();
    await until("it is told", () => inspector.messages.length === 3);
  }
  await using _ = await start();
  await until("it is told again", () => inspector.messages.length === 6);
  expect(inspector.messages[3]).toMatchObject({ type: "@xstate.actor", sessionId: "orders:w" });
});

test("an order that goes to another daemon is told on by that one", async () => {
  let owner = 1;
  await using first = await start({ owns: () => owner === 1 });
  await using second = await start({ owns: () => owner === 2 });
  await using inspector = follow("m", { renewMs: 20 });
  await until("it is told", () => inspector.messages.length === 3);
  owner = 2;
  first.inspections.released([orderLane]);
  await until("it is told by the other", () => inspector.messages.length === 6);
  expect([first.inspections.count(), second.inspections.count()]).toEqual([0, 1]);
});

test("one inspector too many is told so", async () => {
  await using daemon = await start({ maxInspectors: 1 });
  await using one = follow("a");
  await until("the first is told", () => one.messages.length === 3);
  await using other = follow("b");
  expect(await other.failed).toMatchObject({ problem: "refused", message: expect.stringContaining("too many") });
  expect(daemon.inspections.count()).toBe(1);
});

test("a question that is not one is refused, and an answer never goes where it would be stored", async () => {
  await using daemon = await start();
  const answer = await asker.nc.request("natstate.orders.inspect.o", "{}");
  expect(answer.headers?.get("Nats-Service-Error-Code")).toBe("400");
  asker.nc.publish("natstate.orders.inspect.o", '{"inspector":"12345678"}', { reply: "decisions.orders.o" });
  await asker.nc.request("natstate.orders.inspect.o", "null");
  expect(daemon.inspections.count()).toBe(0);
});
