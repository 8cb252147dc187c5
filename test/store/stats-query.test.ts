import { expect, it } from "vitest";
import { fill, openOrderBook, order } from "./order-book.ts";
import { walk } from "./paging.ts";

it("counts agree with the rows", () => {
  using book = openOrderBook();
  fill(book, 130);
  const all = walk(book.queries, { limit: 200 });
  const stats = book.queries.stats(order);
  const countRows = (sql: string) => book.db.prepare(sql).pluck().get();
  const ofState = (state: string) => all.filter(({ processingStatus }) => processingStatus === state).length;
  expect(stats.orders).toEqual({
    total: 130,
    byState: Object.fromEntries(order.states.map((state) => [state, ofState(state)])),
  });
  const ofDecision = (type: string) => all.filter(({ decisionType }) => decisionType === type).length;
  expect(stats.standing.byType).toEqual({
    OrderConfirmed: ofDecision("OrderConfirmed"),
    OrderRejected: ofDecision("OrderRejected"),
  });
  expect(stats.events).toEqual({
    parked: 0,
    conflict: 0,
    applied: countRows("SELECT count(*) FROM events WHERE outcome = 'applied'"),
    superseded: countRows("SELECT count(*) FROM events WHERE outcome = 'superseded'"),
    duplicate: countRows("SELECT sum(duplicates) FROM events"),
  });
  expect(stats.decisions.revised).toBe(countRows("SELECT count(*) FROM decisions WHERE revision > 1"));
  expect(sum(stats.completeness.byPercent)).toBe(130);
  for (const [percent, count] of Object.entries(stats.completeness.byPercent)) {
    expect(count, percent).toBe(all.filter((row) => row.dataCompleteness === Number(percent)).length);
  }
  expect(sum(stats.decisions.byType)).toBe(countRows("SELECT count(*) FROM decisions"));
  expect(sum(stats.deadLetters.byReason)).toBe(countRows("SELECT count(*) FROM dead_letters"));
});

it("counts say since when the order is known that waits for a decision for longest", () => {
  using book = openOrderBook();
  expect(book.queries.undecidedSince(order)).toBeNull();
  fill(book, 130);
  const oldest = (where: string) =>
    book.db.prepare(`SELECT min(first_seen_ms) FROM actors WHERE decision_type IS NULL ${where}`).pluck().get();
  expect(book.queries.undecidedSince(order)).toBe(oldest(""));
  expect(book.queries.undecidedSince(order, [2])).toBe(oldest("AND partition = 2"));
  expect(book.queries.undecidedSince(order, [])).toBeNull();
});

it("who waits for a decision for longest is looked for among so many rows, those included that are being copied", () => {
  using book = openOrderBook();
  fill(book, 130);
  const columns = book.db.prepare("SELECT name FROM pragma_table_info('actors')").pluck().all() as string[];
  const changed: Record<string, string> = { key: "100000 + n", id: "'copied-' || n", first_seen_ms: "n" };
  const copy = (from: number, to: number) =>
    book.db.exec(`WITH RECURSIVE counted (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM counted WHERE n < ${to})
      INSERT INTO actors (${columns}) SELECT ${columns.map((name) => changed[name] ?? name)} FROM counted,
        (SELECT * FROM actors WHERE decision_type IS NULL LIMIT 1)`);
  const oldest = book.queries.undecidedSince(order);
  book.db.exec("INSERT INTO staged (first_key, last_key, type, partition) VALUES (100000, 200000, 'order', 1)");
  copy(1, 19_999);
  expect(book.queries.undecidedSince(order)).toBe(oldest);
  copy(20_000, 20_000);
  expect(book.queries.undecidedSince(order)).toBeNull();
});

it("counts name everything there could be when there is nothing, and add up over partitions", () => {
  using book = openOrderBook();
  expect(book.queries.stats(order)).toMatchObject({
    orders: { total: 0, byState: { pending: 0, processing: 0, payment_failed: 0, confirmed: 0 } },
    standing: { byType: { OrderConfirmed: 0, OrderRejected: 0 } },
    events: { applied: 0, superseded: 0, duplicate: 0, conflict: 0, parked: 0 },
    quarantined: 0,
    retired: 0,
    decisions: { byType: { OrderConfirmed: 0, OrderRejected: 0, OrderDecisionWithdrawn: 0 }, revised: 0 },
    deadLetters: { byReason: { malformed_json: 0, machine_error: 0, actor_retired: 0 } },
  });
  fill(book, 40);
  const applied = [[0, 1], [2, 3], undefined].map((partitions) => book.queries.stats(order, partitions).events.applied);
  expect(applied[0]).toBeGreaterThan(0);
  expect((applied[0] ?? 0) + (applied[1] ?? 0)).toBe(applied[2]);
});

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
