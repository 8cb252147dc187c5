import { expect, it } from "vitest";
import { orderLane } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { openStation, type Station } from "./station.ts";

/** Takes into the store what DECISIONS holds about order `o`: the warehouses that were confirmed, by revision. */
function publishedBefore(station: Station, warehouses: readonly string[]): void {
  const decisions = warehouses.map((warehouseId, index) => ({
    actorId: "o",
    revision: index + 1,
    sequence: index + 1,
    pastTo: 0,
    payload: JSON.stringify({
      decisionType: "OrderConfirmed",
      orderId: "o",
      revision: index + 1,
      warehouseId,
      estimatedDays: 5,
    }),
  }));
  station.outbox.learnDecisions(orderLane, decisions);
}

/** What a new store derives from a payment and these reservations. @returns revisions still to be published. */
function derive(station: Station, warehouses: readonly string[]): number[] {
  const reservations = warehouses.map((warehouseId, index) =>
    orderEvent(index + 2, "o", "InventoryReserved", { second: index + 2, warehouseId }),
  );
  const { decisions } = station.processor.apply([orderEvent(1, "o", "PaymentProcessed", 1), ...reservations]);
  return decisions.map(({ revision }) => revision);
}

it("a log read anew after another writer had come between publishes nothing again", () => {
  using station = openStation();
  publishedBefore(station, ["theirs", "west", "east"]);
  expect(derive(station, ["west", "east"])).toEqual([]);
  expect(station.decisions("o").map(({ revision, warehouseId }) => [revision, warehouseId])).toEqual([
    [1, "theirs"],
    [2, "west"],
    [3, "east"],
  ]);
  expect(station.row("o")).toMatchObject({ revision: 3 });
});

it("what the stream never says is said after everything it does say", () => {
  using station = openStation();
  publishedBefore(station, ["theirs", "others"]);
  expect(derive(station, ["west"])).toEqual([3]);
  expect(station.decisions("o").at(-1)).toMatchObject({ revision: 3, supersedes: 2, warehouseId: "west" });
});
