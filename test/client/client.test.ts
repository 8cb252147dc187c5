import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decisionSubject,
  EventNotConfirmedError,
  foldDecisions,
  InvalidDecisionError,
  InvalidEventError,
  type OrderDecision,
  type OrderEvent,
  orderContract,
  publishEvent,
  readDecision,
} from "../../machines/order/client.ts";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { startTestServer, type TestServer, TOPOLOGY } from "../server.ts";

const PAYMENT = { orderId: "o1", eventType: "PaymentProcessed", amount: 20, status: "successful" } as const;

let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await ensureStreams(session.jsm, [orderType as ActorType], { ...TOPOLOGY, partitions: 4 });
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

async function stored(sequence: number) {
  const message = await session.jsm.streams.getMessage("ORDERS", { seq: sequence });
  if (message === null) throw new Error(`ORDERS has no message ${sequence}`);
  return { subject: message.subject, header: message.header, body: JSON.parse(Buffer.from(message.data).toString()) };
}

describe("publishEvent", () => {
  it("gives an event an identity and a time, and resolves when the stream has it", async () => {
    const before = Date.now();
    const { eventId, subject, sequence } = await publishEvent(session.js, PAYMENT);
    const message = await stored(sequence);
    expect(subject).toBe("orders.o1.PaymentProcessed");
    expect(message.subject).toMatch(/^orders\.[0-3]\.o1\.PaymentProcessed$/);
    expect(message.body).toEqual({ ...PAYMENT, eventId, timestamp: expect.any(String) });
    expect(eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(Date.parse(message.body.timestamp)).toBeGreaterThanOrEqual(before);
  });

  it("keeps the identity, time, correlation and trace that were given", async () => {
    const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
    const timestamp = new Date("2026-01-01T10:00:00Z");
    const event = { ...PAYMENT, eventId: "e1", correlationId: "cart-7", timestamp };
    const { sequence } = await publishEvent(session.js, event, { traceparent });
    const { body, header } = await stored(sequence);
    expect(body).toEqual({ ...event, timestamp: "2026-01-01T10:00:00.000Z" });
    expect(header.get("traceparent")).toBe(traceparent);
  });

  it.each([
    ["a field that is wrong", { ...PAYMENT, amount: -1 }, "invalid_event", /amount/],
    ["an id no subject can carry", { ...PAYMENT, orderId: "a.b" }, "invalid_event", /orderId/],
    ["an unknown type", { ...PAYMENT, eventType: "OrderLost" }, "unknown_event_type", /OrderLost/],
    ["a time without a zone", { ...PAYMENT, timestamp: "2026-01-01T10:00:00" }, "invalid_event", /timestamp/],
    ["a time that is none", { ...PAYMENT, timestamp: new Date(Number.NaN) }, "invalid_event", /timestamp.*found null/],
    ["a time as a number", { ...PAYMENT, timestamp: 1_700_000_000 }, "invalid_event", /timestamp.*found a number/],
    ["a time nobody set", { ...PAYMENT, timestamp: "0001-01-01T00:00:00Z" }, "timestamp_out_of_range", /1970/],
    ["a number as id", { ...PAYMENT, orderId: 5 }, "invalid_event", /^orderId: expected text, found a number$/],
    ["null for a field", { ...PAYMENT, method: null }, "invalid_event", /found null; leave it out/],
    ["more bytes than natstate reads", { ...PAYMENT, method: "x".repeat(70_000) }, "too_large", /65536/],
  ])("refuses %s before anything is sent", async (_, event, reason, message) => {
    const { last_seq } = (await session.jsm.streams.info("ORDERS")).state;
    const refused = await publishEvent(session.js, event as OrderEvent).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidEventError);
    expect(refused).toMatchObject({ reason, message: expect.stringMatching(message) });
    expect((await session.jsm.streams.info("ORDERS")).state.last_seq).toBe(last_seq);
  });

  it("sends what natstate cannot read only when told to", async () => {
    const { sequence } = await publishEvent(session.js, { ...PAYMENT, amount: -1 }, { validate: false });
    expect((await stored(sequence)).body.amount).toBe(-1);
  });

  it("hands back the completed event when the stream does not confirm, so that a second attempt is the same event", async () => {
    const away = { publish: () => Promise.reject(new Error("timeout")) };
    const error = await publishEvent(away, PAYMENT).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(EventNotConfirmedError);
    const { event } = error as EventNotConfirmedError<typeof orderContract>;
    const { eventId, sequence } = await publishEvent(session.js, event);
    expect(eventId).toBe(event.eventId);
    expect((await stored(sequence)).body).toEqual(event);
  });
});

function decision(orderId: string, revision: number, fields: object): OrderDecision {
  const envelope = { decidedAt: "2026-01-01T10:00:00.000Z", dataCompleteness: 40, basedOn: ["e1"], causationId: "e1" };
  const supersedes = revision === 1 ? null : revision - 1;
  return { orderId, revision, supersedes, correlationId: null, ...envelope, ...fields } as OrderDecision;
}

const confirmed = (id: string, revision: number) =>
  decision(id, revision, { decisionType: "OrderConfirmed", warehouseId: "west", estimatedDays: revision });
const withdrawn = (id: string, revision: number) => decision(id, revision, { decisionType: "OrderDecisionWithdrawn" });

describe("foldDecisions", () => {
  it("tells what each message changed", () => {
    const fold = foldDecisions();
    expect(fold.take(JSON.stringify(confirmed("o1", 1)))).toMatchObject({ kind: "stands", replaced: null });
    expect(fold.take(confirmed("o1", 3))).toMatchObject({ kind: "stands", replaced: { revision: 1 } });
    expect(fold.take(confirmed("o1", 3)).kind).toBe("stale");
    expect(fold.take(confirmed("o1", 2)).kind).toBe("stale");
    expect(fold.take(Buffer.from(JSON.stringify(withdrawn("o1", 4))))).toMatchObject({
      kind: "withdrawn",
      replaced: { revision: 3 },
    });
    expect(fold.standing("o1")).toBeNull();
    expect(fold.take(confirmed("o1", 5))).toMatchObject({ kind: "stands", replaced: null });
    expect([...fold.all().keys()]).toEqual(["o1"]);
  });

  it("ends the same for every order and doubling of the messages", () => {
    const messages = ["o1", "o2"].flatMap((id) => [confirmed(id, 1), withdrawn(id, 2), confirmed(id, 3)]);
    messages.push(withdrawn("o2", 4));
    fc.assert(
      fc.property(fc.shuffledSubarray([...messages, ...messages], { minLength: messages.length * 2 }), (shuffled) => {
        const fold = foldDecisions();
        for (const message of shuffled) fold.take(message);
        expect(fold.standing("o1")).toEqual(confirmed("o1", 3));
        expect(fold.standing("o2")).toBeNull();
      }),
    );
  });

  it("goes on from what was stored before", () => {
    const fold = foldDecisions(orderContract, [confirmed("o1", 2)]);
    expect(fold.take(confirmed("o1", 1)).kind).toBe("stale");
    expect(fold.standing("o1")).toEqual(confirmed("o1", 2));
  });

  it("refuses what is no decision, and keeps fields a later version may add", () => {
    for (const body of ["{", "null", "{}", '{"decisionType":"toString"}']) {
      expect(() => readDecision(body), body).toThrow(InvalidDecisionError);
    }
    expect(() => readDecision(JSON.stringify({ ...confirmed("o1", 1), warehouseId: 7 }))).toThrow(/warehouseId/);
    expect(readDecision(JSON.stringify({ ...confirmed("o1", 1), note: "new" }))).toMatchObject({ note: "new" });
  });
});

it("decisionSubject names one order's decisions, or all", () => {
  expect([decisionSubject("o1"), decisionSubject()]).toEqual(["decisions.orders.o1", "decisions.orders.*"]);
});
