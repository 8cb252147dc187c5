import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OrderEvent } from "../../machines/order/machine.ts";
import { expectOrders } from "../../machines/order/reference.ts";
import { normaliseTimestamp } from "../../src/actor/event-time.ts";
import {
  asMessages,
  COLD,
  created,
  endOf,
  HOT,
  OUTCOMES,
  type Outcome,
  paid,
  permutations,
  reserved,
  rewarded,
  run,
  shipped,
  storyOf,
  withCopies,
} from "./order-driver.ts";

/* Convergence (docs/order.md): every arrival order, every duplication and every passivation agree. */

describe.each(OUTCOMES)("payment %s, reservation %j", (status, reservedItems, state, decisionType) => {
  const events = storyOf(status, reservedItems);
  const expected = endOf(run(events));

  test(`ends ${state} with ${decisionType ?? "no decision"}, as the reference model says`, () => {
    const end = run(events);
    expect([end.state, end.completeness]).toEqual([state, 100]);
    expect(end.conclusion.content?.decisionType ?? null).toBe(decisionType);
    expect(compared(end, events)).toEqual(expectOrders(asMessages(events)).get("order-1"));
  });

  // In all 16 ways of passivation: order-convergence.slow.test.ts.
  test("ends the same in all 120 arrival orders, hot and cold", () => {
    const strays = permutations(events).filter(
      (arrival) => endOf(run(arrival, HOT)) !== expected || endOf(run(arrival, COLD)) !== expected,
    );
    expect(strays).toEqual([]);
  });

  test.each(events)("ends the same in all 360 arrival orders with $type heard twice, hot or cold in turn", (again) => {
    const strays = withCopies(events, again).filter(
      (arrival, index) => endOf(run(arrival, index % 2 === 0 ? HOT : COLD)) !== expected,
    );
    expect(strays).toEqual([]);
  });
});

test("corrections arriving before what they correct end the same in all 720 arrival orders", () => {
  const events = [
    created(0),
    created(5),
    paid(1, "failed"),
    paid(2, "successful"),
    reserved(3),
    reserved(4, { reservedItems: {} }),
  ];
  const ends = new Set(permutations(events).map((arrival) => endOf(run(arrival))));
  expect(ends.size).toBe(1);
});

describe("a random history", () => {
  test("ends as the reference model says, whatever arrives first, twice or after a passivation", () => {
    fc.assert(
      fc.property(history(), ({ events, arrival, passivated }) => {
        const end = run(arrival, (position) => passivated[position % passivated.length] ?? false);
        expect(compared(end, events, arrival)).toEqual(expectOrders(asMessages(arrival)).get("order-1"));
        expect(endOf(end)).toBe(endOf(run(events)));
      }),
      { numRuns: 2000 },
    );
  });

  test("has decided, at every moment, what its events up to then say", () => {
    fc.assert(
      fc.property(history(), ({ arrival }) => {
        const { revisions } = run(arrival);
        const contents = arrival.map((_, end) => {
          return expectOrders(asMessages(arrival.slice(0, end + 1))).get("order-1")?.decision ?? null;
        });
        const changes = contents.filter((content, position) => !same(content, contents[position - 1] ?? null));
        expect(revisions).toEqual(changes);
      }),
      { numRuns: 300 },
    );
  });
});

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The part of an outcome that the reference model speaks of. */
function compared(end: Outcome, events: readonly OrderEvent[], arrival = events) {
  const { state, completeness, view, conclusion } = end;
  const duplicates = arrival.length - events.length;
  return { state, completeness, view, decision: conclusion.content, events: events.length, duplicates };
}

/** Few instants, so that equal times are common; they are told in several zones and down to nanoseconds. */
function history() {
  const timestamp = fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom("", ".000000001", ".5", ".50"), fc.constantFrom(0, 2, -11))
    .map(([seconds, fraction, zone]) => {
      const wall = new Date(Date.UTC(2026, 1, 28, 23, 59, 58 + seconds) + zone * 3_600_000).toISOString().slice(0, 19);
      const offset = zone === 0 ? "Z" : `${zone < 0 ? "-" : "+"}${String(Math.abs(zone)).padStart(2, "0")}:00`;
      return normaliseTimestamp(`${wall}${fraction}${offset}`) ?? "";
    });
  const kind = fc.oneof(
    fc.constantFrom("anna", "ben").map((customerId) => created(0, { customerId })),
    fc.constantFrom("pending" as const, "successful" as const, "failed" as const).map((status) => paid(0, status)),
    fc
      .constantFrom<Record<string, number>>({}, { "sku-1": 1 }, { "sku-2": 0 })
      .map((reservedItems) => reserved(0, { reservedItems })),
    fc.constantFrom("east", "west").map((warehouseId) => reserved(0, { warehouseId })),
    fc.integer({ min: 0, max: 6 }).map((days) => shipped(0, days)),
    fc.integer({ min: 0, max: 2 }).map((points) => rewarded(0, points)),
  );
  return fc
    .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 2 }), kind, timestamp), {
      selector: ([eventId]) => eventId,
      minLength: 1,
      maxLength: 12,
    })
    .map((drafts) => drafts.map(([eventId, event, timestamp]) => ({ ...event, eventId, timestamp }) as OrderEvent))
    .chain((events) =>
      fc.record({
        events: fc.constant(events),
        arrival: fc
          .array(fc.constantFrom(...events), { maxLength: 6 })
          .chain((copies) => shuffled([...events, ...copies])),
        passivated: fc.array(fc.boolean(), { minLength: 1, maxLength: 18 }),
      }),
    );
}

function shuffled<Item>(items: Item[]): fc.Arbitrary<Item[]> {
  return fc.shuffledSubarray(items, { minLength: items.length, maxLength: items.length });
}
