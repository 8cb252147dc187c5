import { expect, it } from "vitest";
import { order } from "../store/order-book.ts";
import { refusal, useApi } from "./api-over-orders.ts";

const api = useApi();

it("an order, its history and the counts are what the store answers", async () => {
  const id = "A:b_c-1";
  expect(await api.ask(`/api/orders/${id}`)).toEqual({ status: 200, body: asJson(api.book.answers.get(order, id)) });
  expect(await api.ask(`/api/orders/${encodeURIComponent(id)}/history`)).toEqual({
    status: 200,
    body: asJson(api.book.answers.history(order, id)),
  });
  const stats = { status: 200, body: asJson(api.book.queries.stats(order)) };
  expect(await api.ask("/api/stats")).toEqual(stats);
  expect(await api.ask("/api/stats?type=order")).toEqual(stats);
});

it("a list is walked with nextCursor, its filters applied", async () => {
  const ids = new Set<string>();
  let path = "/api/orders?limit=20&incomplete=false";
  for (let pages = 0; pages < 10; pages++) {
    const { body } = await api.ask(path);
    const { orders, nextCursor } = body as { orders: Record<string, unknown>[]; nextCursor: string | null };
    for (const { orderId, dataCompleteness } of orders) {
      expect(dataCompleteness).toBe(100);
      ids.add(String(orderId));
    }
    if (nextCursor === null) break;
    path = `/api/orders?limit=20&incomplete=false&cursor=${nextCursor}`;
  }
  expect(ids.size).toBe(api.book.db.prepare("SELECT count(*) FROM actors WHERE completeness = 100").pluck().get());
});

it("dead letters are listed, and told one by one", async () => {
  const { body } = await api.ask("/api/dead-letters?reason=malformed_json&limit=1");
  expect(body).toMatchObject({ deadLetters: [{ sequence: 10_002, reason: "malformed_json", bytes: 1 }] });
  expect(await api.ask("/api/dead-letters/10002")).toMatchObject({
    status: 200,
    body: { body: "{", encoding: "utf8" },
  });
  expect(await api.ask("/api/dead-letters/1")).toEqual({
    status: 404,
    body: refusal("not_found", "no dead letter '1'"),
  });
});

it.each([
  ["/api/orders?limit=0", 'limit: "0" is not a whole number from 1 to 200'],
  ["/api/orders?limit=201", "limit"],
  ["/api/orders?limit=1e1", "limit"],
  ["/api/orders?state=shipped", 'state: "shipped" is not one of pending, processing, payment_failed, confirmed'],
  ["/api/orders?state=pending&state=confirmed", "state"],
  [
    "/api/orders?decision=OrderDecisionWithdrawn",
    'decision: "OrderDecisionWithdrawn" is not one of OrderConfirmed, OrderRejected, none',
  ],
  ["/api/orders?incomplete=yes", "true or false"],
  ["/api/orders?updatedBefore=2026-01-01", "RFC 3339"],
  ["/api/orders?cursor=c2Vlbjox!", "cursor"],
  [
    "/api/orders?colour=red",
    '"colour" is not a parameter here; those are state, decision, incomplete, completeness, waitingFor, quarantined, idPrefix, updatedBefore, dueBefore, limit, cursor',
  ],
  ["/api/orders?colour=red&limit=0", 'limit: "0" is not a whole number from 1 to 200; "colour" is not'],
  ["/api/orders/x?verbose=1", '"verbose" is not a parameter here'],
  ["/api/dead-letters?reason=bad", 'reason: "bad" is not one of malformed_json'],
  ["/api/stats?type=parcel", "type: expected one of order"],
  ["/api/orders/%E0%A4%A", "% escapes"],
])("%s is a bad request", async (path, message) => {
  expect(await api.ask(path)).toEqual({ status: 400, body: refusal("bad_request", message) });
});

it("an unknown order, and a path with nothing under it, are not found", async () => {
  expect(await api.ask("/api/orders/a:b_c-1")).toEqual({
    status: 404,
    body: { error: { code: "not_found", message: "no order 'a:b_c-1' here; ids are case-sensitive" } },
  });
  expect((await api.ask(`/api/orders/${"x".repeat(2000)}`)).status).toBe(404);
  expect(await api.ask("/api/parcels")).toEqual({ status: 404, body: refusal("not_found", "nothing under this path") });
});

/** As it is after the wire. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
