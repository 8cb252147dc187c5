import fc from "fast-check";
import { expect, it } from "vitest";
import { createHotCache } from "../../src/flow/hot-cache.ts";
import { orderEvent } from "./order-events.ts";
import { applyEach, openStation } from "./station.ts";

it("once a batch is over neither number nor bytes are above the bound, and what was used last stays", () => {
  const size = fc.integer({ min: 1, max: 40 });
  const step = fc.tuple(fc.nat(9).map(String), size, fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const cache = createHotCache<string>({ maxActors: 5, maxBytes: 100 });
      const open = new Set<string>();
      const sizes = new Map<string, number>();
      for (const [name, bytes, closes] of steps) {
        if (cache.get(name) === undefined) cache.set(name, name, 1);
        cache.weigh(name, bytes);
        sizes.set(name, bytes);
        // Asked for last, also when it was there before.
        open.delete(name);
        open.add(name);
        for (const kept of open) expect(cache.get(kept)).toBe(kept);
        if (!closes) continue;
        cache.closeBatch();
        open.clear();
        expect(cache.size()).toBeLessThanOrEqual(5);
        expect(cache.bytes()).toBeLessThanOrEqual(100);
        expect(cache.get(name)).toBe(name);
      }
      cache.closeBatch();
      const left = [...sizes].filter(([name]) => cache.get(name) !== undefined);
      expect(cache.bytes()).toBe(left.reduce((sum, [, bytes]) => sum + bytes, 0));
    }),
  );
});

it("what is pinned stays whatever else comes, until it is unpinned", () => {
  const cache = createHotCache<string>({ maxActors: 2, maxBytes: 10 });
  cache.set("pinned", "pinned", 20);
  cache.pin("pinned");
  for (const name of ["a", "b", "c"]) {
    cache.closeBatch();
    cache.set(name, name, 1);
  }
  cache.closeBatch();
  cache.unpin("a");
  cache.closeBatch();
  expect(cache.get("pinned")).toBe("pinned");
  cache.unpin("pinned");
  cache.closeBatch();
  expect(cache.get("pinned")).toBe(undefined);
});

it("orders that know much leave before they fill the memory, and come back as they were", () => {
  const reservedItems = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`sku-${index}`, 1]));
  // 150 KB of memory each.
  using station = openStation({ maxBytes: 65_536 }, 4000, 4_000_000);
  const ids = Array.from({ length: 60 }, (_, index) => `o-${index}`);
  applyEach(
    station,
    ids.map((id, index) => orderEvent(index + 1, id, "InventoryReserved", { second: 1, reservedItems })),
  );
  expect(station.actors.size()).toBeLessThan(40);
  // All of them in one batch, the first ones twice: none leaves while it is open.
  const again = [...ids, ...ids.slice(0, 20)];
  station.processor.apply(again.map((id, index) => orderEvent(100 + index, id, "PaymentProcessed", 2 + index)));
  expect(station.actors.size()).toBeLessThan(40);
  expect(station.decisions("o-0")).toHaveLength(1);
  expect(station.row("o-0")).toMatchObject({ events: 3, revision: 1 });
  expect(station.rebuilt).toEqual([]);
});
