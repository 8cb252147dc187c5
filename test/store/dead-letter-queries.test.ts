import { expect, it } from "vitest";
import { deliver, orderLane } from "../flow/delivery.ts";
import { fill, openOrderBook, order } from "./order-book.ts";
import { walkDeadLetters } from "./paging.ts";

it("dead letters are listed newest first, each once, and by reason", () => {
  using book = openOrderBook();
  fill(book, 20);
  const all = walkDeadLetters(book.queries, { limit: 5 });
  expect(all.length).toBeGreaterThan(10);
  expect(all.map(({ sequence }) => sequence)).toEqual(
    book.db.prepare("SELECT sequence FROM dead_letters ORDER BY sequence DESC").pluck().all(),
  );
  const reason = all[0]?.reason;
  expect(walkDeadLetters(book.queries, { reason, limit: 1 })).toEqual(all.filter((row) => row.reason === reason));
});

it("dead letters are told in full, with what was sent: text as text, other bytes as base64", () => {
  using book = openOrderBook();
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  book.processor.apply([
    deliver(1, "orders.o.OrderCreated", "{ nö", { headers: { "Nats-Msg-Id": "m1" } }),
    deliver(2, "orders.o.OrderCreated", bytes),
  ]);
  book.db.exec("UPDATE dead_letters SET published = 4 WHERE sequence = 2");
  expect(book.queries.deadLetter(order, 1)).toEqual({
    stream: "ORDERS",
    sequence: 1,
    reason: "malformed_json",
    error: expect.stringContaining("body"),
    subject: `orders.${orderLane.partition}.o.OrderCreated`,
    receivedAt: "2026-03-01T00:00:00.001Z",
    bytes: 5,
    published: false,
    publishedSequence: null,
    streamSequence: 1,
    deadLetterSequence: null,
    headers: [["Nats-Msg-Id", "m1"]],
    body: "{ nö",
    encoding: "utf8",
  });
  const binary = { body: bytes.toString("base64"), encoding: "base64", published: true, publishedSequence: 4 };
  expect(book.queries.deadLetter(order, 2)).toMatchObject(binary);
  expect(book.queries.deadLetter(order, 3)).toBeUndefined();
});
