import { expect, it } from "vitest";
import { encodeDecision } from "../../src/actor/decision.ts";
import type { PublishedDecision } from "../../src/flow/rows.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { applyEach, openStation, type Station } from "../flow/station.ts";

const envelope = {
  supersedes: null,
  decidedAt: null,
  dataCompleteness: 0,
  basedOn: [],
  causationId: "x",
  correlationId: null,
};

/** A decision as another writer published it. */
function published(revision: number, estimatedDays: number, sequence = revision * 10): PublishedDecision {
  const content = { decisionType: "OrderConfirmed", warehouseId: "warehouse-west", estimatedDays };
  return { revision, sequence, payload: encodeDecision(orderLane.type, "o", content, { ...envelope, revision }) };
}

/** Takes decisions with 5, then 3, then 9 days. */
const history = [
  orderEvent(1, "o", "PaymentProcessed", 1),
  orderEvent(2, "o", "InventoryReserved", 2),
  orderEvent(3, "o", "ShippingCalculated", { second: 3, estimatedDays: 3 }),
  orderEvent(4, "o", "ShippingCalculated", { second: 4, estimatedDays: 9 }),
];

function ledger(station: Station) {
  return station.db
    .prepare(
      "SELECT revision, json_extract(payload, '$.estimatedDays') AS days, published FROM decisions ORDER BY revision",
    )
    .all();
}

function reconcile(station: Station, decisions: readonly PublishedDecision[]) {
  return station.outbox.reconcile(orderLane, "o", { decisions, streamEnd: 1000, pastTo: 0 });
}

it("a store that reads the log again publishes nothing the stream holds already", () => {
  using station = openStation();
  station.outbox.learnDecisions(
    orderLane,
    [1, 2].map((r) => ({ actorId: "o", pastTo: 0, ...published(r, r === 1 ? 5 : 3) })),
  );
  const result = station.processor.apply(history);
  expect(result.decisions.map(({ revision }) => revision)).toEqual([3]);
  expect(ledger(station)).toEqual([
    { revision: 1, days: 5, published: 10 },
    { revision: 2, days: 3, published: 20 },
    { revision: 3, days: 9, published: null },
  ]);
  expect(station.db.prepare("SELECT count(*) FROM imported_decisions").pluck().get()).toBe(0);
});

it("decisions of another content under our revisions stay as history and are superseded", () => {
  using station = openStation();
  station.outbox.learnDecisions(
    orderLane,
    [1, 2].map((r) => ({ actorId: "o", pastTo: 0, ...published(r, 70 + r) })),
  );
  const { decisions } = station.processor.apply(history.slice(0, 2));
  expect(decisions).toMatchObject([{ revision: 3 }]);
  expect(JSON.parse(decisions[0]?.payload ?? "")).toMatchObject({ revision: 3, supersedes: 2, estimatedDays: 5 });
  expect(station.row("o").revision).toBe(3);
  applyEach(station, history.slice(2, 3));
  expect(ledger(station)).toEqual([
    { revision: 1, days: 71, published: 10 },
    { revision: 2, days: 72, published: 20 },
    { revision: 3, days: 5, published: null },
    { revision: 4, days: 3, published: null },
  ]);
});

it("a crash between publish and note: the stream's word is taken, nothing is due", () => {
  using station = openStation();
  station.processor.apply(history.slice(0, 2));
  station.outbox.learnDecisions(orderLane, [{ actorId: "o", pastTo: 0, ...published(1, 5) }]);
  expect(station.outbox.pendingDecisions(orderLane)).toEqual([]);
  expect(station.outbox.publishedSequence(1, 1)).toBe(10);
});

it("another writer with the same decisions: ours are taken as published", () => {
  using station = openStation();
  station.processor.apply(history);
  const { due } = reconcile(station, [published(1, 5), published(2, 3)]);
  expect(due.map(({ revision }) => revision)).toEqual([3]);
});

it("another writer that is ahead with the same decisions: nothing is due, and the rest is recognised later", () => {
  using station = openStation();
  station.processor.apply(history.slice(0, 2));
  expect(reconcile(station, [published(1, 5), published(2, 3)])).toEqual({ due: [], isDiverged: false });
  station.actors.evict(orderLane, "o");
  expect(station.processor.apply(history.slice(2, 3)).decisions).toEqual([]);
  expect(ledger(station)).toEqual([
    { revision: 1, days: 5, published: 10 },
    { revision: 2, days: 3, published: 20 },
  ]);
});

it("another writer with another decision: theirs stays, our standing decision becomes the next revision", () => {
  using station = openStation();
  station.processor.apply(history);
  const { due } = reconcile(station, [published(1, 5), published(2, 3), published(3, 70), published(4, 71)]);
  station.actors.evict(orderLane, "o");
  expect(due).toMatchObject([{ revision: 5 }]);
  expect(JSON.parse(due[0]?.payload ?? "")).toMatchObject({ revision: 5, supersedes: 4, estimatedDays: 9 });
  expect(station.row("o").revision).toBe(5);
});

it("positions only rise", () => {
  using station = openStation();
  station.outbox.savePositions(orderLane, { decisions: 7, deadLetters: 3 });
  station.outbox.savePositions(orderLane, { decisions: 5, deadLetters: 9 });
  expect(station.outbox.positions(orderLane)).toEqual({ decisions: 7, deadLetters: 9 });
});
