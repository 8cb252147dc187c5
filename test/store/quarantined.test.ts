import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import { z } from "zod";
import { orderType } from "../../machines/order/order.ts";
import type { ActorSnapshot, ActorType } from "../../src/actor/actor-type.ts";
import type { ActorSummary } from "../../src/answers/queries.ts";
import { isRefused, type Parameters, readListFilter } from "../../src/answers/query-filters.ts";
import { renderActor, renderHistory, renderList } from "../../src/cli/actors-text.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { thingEvent, thingLane, thingType } from "../flow/things.ts";
import { type OrderBook, openOrderBook } from "./order-book.ts";

type Context = typeof orderType extends ActorType<infer Known> ? Known : never;

/** The order type, whose rule fails on orders of warehouse `west`. */
const type: ActorType = {
  ...(orderType as ActorType),
  conclude(actor) {
    const { inventory } = actor.context as { inventory?: { data: { warehouseId: string } } };
    if (inventory?.data.warehouseId === "west") throw new Error("west of what?");
    return orderType.conclude(actor as ActorSnapshot<Context>);
  },
};
const lane = { ...orderLane, type };

/** `late` fails on its second event, `early` on its first; `fine` does not. */
function openBook(): OrderBook {
  const book = openOrderBook();
  book.processor.apply([
    orderEvent(1, "late", "OrderCreated", { second: 1, lane }),
    orderEvent(2, "late", "InventoryReserved", { second: 2, warehouseId: "west", lane }),
    orderEvent(3, "late", "PaymentProcessed", { second: 3, lane }),
    orderEvent(4, "early", "InventoryReserved", { second: 4, warehouseId: "west", lane }),
    orderEvent(5, "fine", "OrderCreated", { second: 5, lane }),
  ]);
  return book;
}

function list({ queries }: OrderBook, parameters: Parameters): readonly ActorSummary[] {
  const filter = readListFilter(type, parameters);
  if (isRefused(filter)) throw new Error(filter.problem);
  return queries.list(type, filter).orders as readonly ActorSummary[];
}

const ids = (orders: readonly ActorSummary[]) => orders.map(({ orderId }) => orderId);
const error = "order machine failed on InventoryReserved: west of what?";

it("a quarantined order says so, and does not wait for what has arrived", () => {
  using book = openBook();
  const late = book.answers.get(type, "late");
  expect(late).toMatchObject({
    version: 1,
    quarantine: { eventType: "InventoryReserved", error, parked: 2 },
    waitingFor: ["ShippingCalculated", "LoyaltyPointsUpdated"],
  });
  expect(book.answers.history(type, "late")).toMatchObject({ total: 1, quarantine: { parked: 2 } });
  expect(book.answers.steps(type, "late")).toMatchObject({ total: 1, quarantine: { parked: 2 } });
  expect(book.answers.get(type, "fine")).not.toHaveProperty("quarantine");
  const text = renderActor(type, late as NonNullable<typeof late>).join("\n");
  expect(text).toContain(`QUARANTINED since 2026-03-01T00:00:00.002Z: ${error}`);
  expect(text).toContain("2 events kept back; after a fix: npx natstate quarantine release late");
});

it("of a great many that are kept back, the first thousand are looked through for what has arrived", () => {
  using book = openBook();
  const more = Array.from({ length: 998 }, (_, index) =>
    orderEvent(6 + index, "late", "PaymentProcessed", { second: 6 + index, eventId: `again-${index}`, lane }),
  );
  book.processor.apply([...more, orderEvent(1004, "late", "ShippingCalculated", { second: 1004, lane })]);
  expect(book.answers.get(type, "late")).toMatchObject({
    quarantine: { parked: 1001 },
    waitingFor: ["ShippingCalculated", "LoyaltyPointsUpdated"],
  });
  book.db.prepare("DELETE FROM parked WHERE sequence = 500").run();
  expect(book.answers.get(type, "late")).toMatchObject({
    quarantine: { parked: 1000 },
    waitingFor: ["LoyaltyPointsUpdated"],
  });
});

it("one of which nothing was ever applied is known all the same", () => {
  using book = openBook();
  const early = book.answers.get(type, "early");
  expect(early).toMatchObject({
    orderId: "early",
    processingStatus: "pending",
    version: 0,
    decision: null,
    eventHistory: [],
    quarantine: { error, parked: 1 },
  });
  expect(early?.waitingFor).not.toContain("InventoryReserved");
  const history = book.answers.history(type, "early");
  expect(history).toMatchObject({ total: 0, events: [], decisions: [], quarantine: { error } });
  expect(book.answers.steps(type, "early")).toMatchObject({ steps: [], initial: { state: "pending" } });
  expect(book.answers.next(type, "early")).toMatchObject({ at: 0, next: [] });
  expect(renderHistory(type, "early", history as NonNullable<typeof history>).join("\n")).toContain("QUARANTINED");
  expect(book.answers.get(type, "nobody")).toBeUndefined();
});

it("one that cannot be replayed is told as it was, instead of failing", () => {
  using book = openBook();
  book.db.prepare("UPDATE actors SET machine_version = -1 WHERE id = 'late'").run();
  book.db.prepare("UPDATE events SET type = 'Gone' WHERE actor_key = (SELECT key FROM actors WHERE id = 'late')").run();
  expect(book.answers.get(type, "late")).toMatchObject({ processingStatus: "processing", quarantine: { error } });
  expect(book.answers.steps(type, "late")).toMatchObject({ total: 1, steps: [], quarantine: { error } });
});

it("lists mark quarantined orders, and find them: by themselves, by id, and not by an event that is kept back", () => {
  using book = openBook();
  expect(ids(list(book, {}))).toEqual(["fine", "late"]);
  expect(list(book, {}).map(({ quarantine }) => quarantine?.parked)).toEqual([undefined, 2]);
  expect(ids(list(book, { quarantined: true }))).toEqual(["early", "late"]);
  expect(ids(list(book, { quarantined: "false" }))).toEqual(["fine"]);
  expect(ids(list(book, { idPrefix: "e" }))).toEqual(["early"]);
  expect(ids(list(book, { quarantined: true, state: "processing" }))).toEqual(["late"]);
  expect(ids(list(book, { waitingFor: "PaymentProcessed" }))).toEqual(["fine"]);
  expect(ids(list(book, { waitingFor: "PaymentProcessed", quarantined: true }))).toEqual(["early"]);
  const lines = renderList(type, { actors: list(book, { quarantined: true }), more: false });
  expect(lines[1]).toMatch(/^early +quarantined +0 %/);
});

it("quarantined orders are listed page by page, each once", () => {
  using book = openBook();
  const pages: unknown[] = [];
  let cursor: string | null = null;
  do {
    const filter = readListFilter(type, { quarantined: true, limit: 1, cursor });
    if (isRefused(filter)) throw new Error(filter.problem);
    const page: ReturnType<typeof book.queries.list> = book.queries.list(type, filter);
    pages.push(...ids(page.orders as readonly ActorSummary[]));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(pages).toEqual(["early", "late"]);
});

it("what is kept back is told by its whole name, and not taken for one that it ends with", () => {
  const events = { "thing.spoiled": z.object({}), spoiled: z.object({}), thing: z.object({}) };
  const machine = createMachine({
    on: {
      "thing.spoiled": {
        actions: assign(() => {
          throw new Error("it is spoiled");
        }),
      },
    },
  });
  const things = thingType({ events, machine, states: [], waitingFor: () => Object.keys(events) } as object);
  using book = openOrderBook();
  book.processor.apply([
    thingEvent(thingLane(things), 1, "t-1", "thing"),
    thingEvent(thingLane(things), 2, "t-1", "thing.spoiled"),
  ]);
  expect(book.answers.get(things, "t-1")).toMatchObject({
    quarantine: { parked: 1 },
    waitingFor: ["spoiled", "thing"],
  });
  const waiting = (waitingFor: string) => {
    const filter = readListFilter(things, { waitingFor });
    if (isRefused(filter)) throw new Error(filter.problem);
    return (book.queries.list(things, filter).things as readonly ActorSummary[]).length;
  };
  expect(Object.keys(events).map(waiting)).toEqual([0, 1, 0]);
});
