import { expect } from "vitest";
import type { StoredActor } from "../../src/flow/rows.ts";
import { deliver } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation, type RetentionStation } from "./retention-station.ts";

/** A confirmed order with two revisions, a duplicate, an event that lost and a message that is none. */
export const story = () => [
  orderEvent(1, "o", "OrderCreated", 1),
  orderEvent(2, "o", "PaymentProcessed", { second: 2, status: "failed" }),
  orderEvent(3, "o", "InventoryReserved", { second: 3, correlationId: "c-1" }),
  orderEvent(4, "o", "PaymentProcessed", 4),
  orderEvent(5, "o", "PaymentProcessed", { second: 2, status: "failed" }),
  orderEvent(6, "o", "PaymentProcessed", { second: 1, status: "pending" }),
  deliver(7, "orders.o.OrderCreated", "{"),
];

/** All a store has of an order but the numbers it gives rows. */
export function portrait(station: RetentionStation, id: string) {
  const { key, row_version, heard, ...row } = station.row(id);
  const rowsOf = (table: string, order: string) =>
    station.db
      .prepare(`SELECT * FROM ${table} WHERE actor_key = ? ORDER BY ${order}`)
      .all(key)
      .map((each) => ({ ...(each as object), actor_key: 0, place: 0 }));
  const past = [...station.journal.eventsOf(station.journal.findActor("order", id) as StoredActor)];
  expect(past.map(({ eventId }) => eventId)).toHaveLength(rowsOf("events", "sequence").length);
  return { row, events: rowsOf("events", "sequence"), decisions: rowsOf("decisions", "revision") };
}

/** A store in which order `o` has been retired. */
export function openRetired(): RetentionStation {
  const station = openRetentionStation();
  station.take(...story());
  station.passTime();
  expect(station.retire()).toBe(1);
  return station;
}
