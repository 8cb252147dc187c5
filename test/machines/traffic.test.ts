import { describe, expect, test } from "vitest";
import { orderEvents } from "../../machines/order/events.ts";
import type { OrderEvent } from "../../machines/order/machine.ts";
import { expectOrders, SHOWCASE_ID } from "../../machines/order/reference.ts";
import { orderTraffic } from "../../machines/order/traffic.ts";
import { normaliseTimestamp } from "../../src/actor/event-time.ts";
import { decode } from "../../src/flow/decode.ts";
import { isRejected } from "../../src/wire/rejection.ts";
import { run } from "./order-driver.ts";
import { asDelivery, asOrderEvent, distinct, isEmpty, rank, read } from "./traffic-reader.ts";

const trouble = { seed: 7, actors: 500, duplicates: 0.1, late: 0.05, fail: 0.2, shuffle: 40, malformed: 28 };
const smooth = { seed: 7, actors: 300, duplicates: 0, late: 0, fail: 0, shuffle: 20, malformed: 0 };

const messages = orderTraffic(trouble);
const events = distinct(messages).map(read);

/** The kinds of trouble that events show. */
function kindsIn(events: ReturnType<typeof read>[]): Set<string> {
  const kinds = new Set<string>();
  const saw = (kind: string) => kinds.add(kind);
  for (const group of Object.values(Object.groupBy(events, ({ fields }) => String(fields.orderId)))) {
    const byType = Object.groupBy(group ?? [], ({ fields }) => String(fields.eventType));
    if (Object.keys(byType).length < 5) saw("incomplete");
    for (const [type, told = []] of Object.entries(byType)) {
      told.sort((a, b) => Number(a.nanoseconds - b.nanoseconds));
      const [first, second] = told;
      if (second === undefined) continue;
      saw(`${type} twice`);
      if (first?.nanoseconds === second.nanoseconds) saw("equal timestamps");
      else if (type === "InventoryReserved") saw(isEmpty(second.fields) ? "withdrawn" : "reserved after all");
      else if (type === "PaymentProcessed") saw(`${first?.fields.status}, then ${second.fields.status}`);
    }
  }
  for (const { message, fields } of events) {
    if (isEmpty(fields)) saw("empty reservation");
    if (message.headers?.["ce-specversion"] === "1.0") saw("CloudEvent, binary");
    if (message.headers?.["content-type"] === "application/cloudevents+json") saw("CloudEvent, structured");
    if (message.headers?.traceparent !== undefined) saw("traced");
    if (fields.correlationId === undefined) saw("uncorrelated");
    if (!/\.\d{3}Z$/.test(String(fields.timestamp))) saw("time in another form");
  }
  return kinds;
}

describe("traffic", () => {
  test("is the same for the same options, another for another seed", () => {
    expect(orderTraffic(trouble)).toEqual(messages);
    expect(orderTraffic({ ...trouble, seed: 8 })).not.toEqual(messages);
  });

  test("happens when it is asked to, and is the same traffic otherwise", () => {
    const startMs = Date.parse("2026-11-26T12:00:00Z");
    const times = distinct(orderTraffic({ ...trouble, startMs, everyMs: 100 })).map(read);
    const ms = times.map(({ fields }) => Date.parse(String(fields.timestamp)));
    expect(Math.min(...ms)).toBe(startMs);
    expect(Math.max(...ms)).toBeLessThan(startMs + trouble.actors * 100 + 120_000);
    expect(times.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId));
  });

  test("is about as many orders as asked for, each id a subject token", () => {
    const ids = new Set(messages.flatMap(({ actorId }) => actorId ?? []));
    expect(ids.size).toBe(trouble.actors);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_:-]{1,128}$/);
    expect([...expectOrders(messages).keys()].sort()).toEqual([...ids].sort());
  });

  test("holds every accepted event to the contract, envelope included", () => {
    const ids = new Set<string>();
    for (const { message, fields, eventId } of events) {
      const [collection, orderId, eventType = ""] = message.subject.split(".");
      expect([collection, fields.orderId, fields.eventType]).toEqual(["orders", orderId, eventType]);
      expect(fields.orderId).toBe(message.actorId);
      expect(normaliseTimestamp(String(fields.timestamp))).not.toBeNull();
      expect(orderEvents[eventType as OrderEvent["type"]].safeParse(fields).error).toBeUndefined();
      ids.add(`${orderId} ${eventId}`);
    }
    expect(ids.size).toBe(events.length);
  });

  test("puts the prefix before every order id", () => {
    const prefixed = orderTraffic({ ...trouble, actors: 30, idPrefix: "run2-" });
    for (const { subject } of prefixed) expect(subject).toMatch(/^orders\.run2-order-\d+\.\w+$/);
    expect(expectOrders(prefixed).get(`run2-${SHOWCASE_ID}`)?.state).toBe("confirmed");
  });

  test("of no orders is empty", () => {
    expect(orderTraffic({ ...smooth, actors: 0 })).toEqual([]);
  });
});

describe("troubled traffic", () => {
  test("honours its shares", () => {
    const copies = messages.filter(({ rejectedAs }) => rejectedAs === undefined).length - events.length;
    // One in four events that are published again is published a third time.
    expect(copies / events.length).toBeCloseTo(trouble.duplicates * 1.25, 1);
    const payments = Object.values(
      Object.groupBy(events, ({ fields }) => `${fields.orderId} ${fields.eventType}`),
    ).filter((group) => group?.[0]?.fields.eventType === "PaymentProcessed");
    const failing = payments.filter((group) => group?.some(({ fields }) => fields.status === "failed"));
    const saved = failing.filter((group) => group?.some(({ fields }) => fields.status === "successful"));
    expect(failing.length / payments.length).toBeCloseTo(trouble.fail, 1);
    expect(saved.length / failing.length).toBeCloseTo(0.75, 1);
    expect(messages.filter(({ rejectedAs }) => rejectedAs !== undefined)).toHaveLength(trouble.malformed);
  });

  test("moves its late events behind everything else", () => {
    const messages = orderTraffic({ ...trouble, duplicates: 0, malformed: 0, late: 0.3, shuffle: 0 });
    // What is not late comes order by order, so that the first step back is where the late ones begin.
    const ranks = messages.map(({ actorId }) => rank(actorId));
    const firstLate = ranks.findIndex((value, position) => value < (ranks[position - 1] ?? 0));
    expect((ranks.length - firstLate) / ranks.length).toBeCloseTo(0.3, 1);
  });

  test("contains every kind of trouble it tells of", () => {
    expect([...kindsIn(events)].sort()).toEqual([
      "CloudEvent, binary",
      "CloudEvent, structured",
      "InventoryReserved twice",
      "LoyaltyPointsUpdated twice",
      "OrderCreated twice",
      "PaymentProcessed twice",
      "ShippingCalculated twice",
      "empty reservation",
      "equal timestamps",
      "failed, then successful",
      "incomplete",
      "pending, then successful",
      "reserved after all",
      "time in another form",
      "traced",
      "uncorrelated",
      "withdrawn",
    ]);
  });
});

describe("shuffling", () => {
  test("by 0 keeps each order's events together and in the order of their times, copies included", () => {
    const messages = orderTraffic({ ...trouble, late: 0, shuffle: 0, malformed: 0 }).filter(
      (m) => m.actorId !== SHOWCASE_ID,
    );
    const events = messages.map(read);
    events.forEach((event, position) => {
      const before = events[position - 1];
      if (before === undefined) return;
      const [a, b] = [rank(before.message.actorId), rank(event.message.actorId)];
      expect(a).toBeLessThanOrEqual(b);
      if (a === b) expect(before.nanoseconds).toBeLessThanOrEqual(event.nanoseconds);
    });
  });

  test("by 20 mixes the events of 20 orders, no more", () => {
    const blocks = orderTraffic(smooth).map(({ actorId }) => Math.floor(rank(actorId) / 20));
    expect(blocks).toEqual([...blocks].sort((a, b) => a - b));
    const neighbours = orderTraffic(smooth).map(({ actorId }) => actorId);
    const together = neighbours.filter((id, position) => id === neighbours[position - 1]).length;
    expect(together / neighbours.length).toBeLessThan(0.1);
  });
});

describe("order-123", () => {
  test("is the article's scenario in its order of arrival, its payment heard twice", () => {
    for (const options of [trouble, { ...trouble, shuffle: 0 }, { ...trouble, late: 1, shuffle: 5000 }]) {
      const messages = orderTraffic(options).filter(({ actorId }) => actorId === SHOWCASE_ID);
      expect(messages.map(({ subject }) => subject.split(".").at(-1))).toEqual([
        "PaymentProcessed",
        "ShippingCalculated",
        "OrderCreated",
        "InventoryReserved",
        "PaymentProcessed",
      ]);
      expect(messages[4]).toBe(messages[0]);
      const decision = { decisionType: "OrderConfirmed", warehouseId: "warehouse-west", estimatedDays: 3 };
      expect(run(messages.map(asOrderEvent)).revisions).toEqual([decision]);
      expect(expectOrders(messages).get(SHOWCASE_ID)).toMatchObject({ decision, events: 4, duplicates: 1 });
    }
  });
});

describe("smooth traffic", () => {
  test("has exactly five plain events per order, one of each type", () => {
    const messages = orderTraffic(smooth);
    expect(messages).toHaveLength(5 * smooth.actors);
    expect(new Set(messages.map(({ subject }) => subject)).size).toBe(5 * smooth.actors);
    for (const { headers, body } of messages) expect([headers, typeof body]).toEqual([undefined, "string"]);
  });

  test("takes exactly one decision per order, OrderConfirmed, in whatever order it arrives", () => {
    const byOrder = Object.groupBy(orderTraffic({ ...smooth, shuffle: 300 }), ({ actorId = "" }) => actorId);
    const orders = Object.values(byOrder).map((messages = []) => run(messages.map(asOrderEvent)));
    expect(orders).toHaveLength(smooth.actors);
    for (const { revisions, completeness } of orders) {
      expect([revisions.length, completeness]).toEqual([1, 100]);
      expect(revisions[0]).toMatchObject({ decisionType: "OrderConfirmed", estimatedDays: 5 });
    }
  });
});

describe("malformed traffic", () => {
  const messages = orderTraffic({ ...trouble, actors: 40 });
  const malformed = messages.filter(({ rejectedAs }) => rejectedAs !== undefined);

  test("shows all six reasons that can be provoked within the first six", () => {
    const six = orderTraffic({ ...trouble, actors: 40, malformed: 6 }).flatMap(({ rejectedAs }) => rejectedAs ?? []);
    expect(six.sort()).toEqual([
      "invalid_event",
      "malformed_json",
      "reserved_type",
      "subject_mismatch",
      "timestamp_out_of_range",
      "unknown_event_type",
    ]);
  });

  test("is about orders that exist, and small enough for the stream", () => {
    const ids = new Set(messages.map(({ actorId }) => actorId));
    for (const { subject, body } of malformed) {
      expect(ids).toContain(subject.split(".")[1]);
      expect(body.length).toBeLessThan(1024);
    }
  });

  test("is refused for the reason it announces, and nothing else is refused", () => {
    for (const message of messages) {
      const decoded = decode(asDelivery(message), { maxBytes: 64 * 1024 });
      expect(isRejected(decoded) ? decoded.reason : undefined).toBe(message.rejectedAs);
    }
  });
});

test("the machine and the reference model agree on a whole run", () => {
  const messages = orderTraffic(trouble);
  const expected = expectOrders(messages);
  const byOrder = Object.groupBy(
    messages.filter(({ rejectedAs }) => rejectedAs === undefined),
    ({ actorId = "" }) => actorId,
  );
  for (const [orderId, arrived = []] of Object.entries(byOrder)) {
    const { state, completeness, view, conclusion } = run(arrived.map(asOrderEvent));
    const events = distinct(arrived).length;
    const outcome = { state, completeness, view, decision: conclusion.content, events };
    expect({ ...outcome, duplicates: arrived.length - events }).toEqual(expected.get(orderId));
  }
});
