import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import { isRefused, readListFilter } from "../../src/answers/query-filters.ts";
import { openQueries, type QueryOptions } from "../../src/store/queries.ts";
import { openStation } from "../flow/station.ts";
import { thingEvent, thingLane, thingType } from "../flow/things.ts";

/** More than walks are merged of. */
const SHELVES = 60;
const shelves = Array.from({ length: SHELVES }, (_, shelf) => `shelf${shelf}`);

const machine = createMachine({
  types: {} as { events: { type: string; data: { n: number } } },
  type: "parallel",
  states: {
    money: { initial: "open", states: { open: { on: { Closed: "paid" } }, paid: {} } },
    goods: {
      initial: "ordered",
      on: {
        Counted: shelves.map((target, n) => ({
          target: `.stored.${target}`,
          guard: ({ event }) => event.data.n === n,
        })),
      },
      states: {
        ordered: {},
        stored: { initial: "shelf0", states: Object.fromEntries(shelves.map((shelf) => [shelf, {}])) },
      },
    },
  },
});
const leaves = ["money.open", "money.paid", "goods.ordered", ...shelves.map((shelf) => `goods.stored.${shelf}`)];
const type: ActorType = { ...thingType(), machine, states: leaves };
const lane = thingLane(type);

/** Things of which every third is paid; those whose number is in `stored` lie on that shelf. */
function openStore(count: number, stored: (n: number) => boolean, options?: QueryOptions) {
  const station = openStation();
  for (let n = 0; n < count; n++) {
    const id = `thing-${n}`;
    station.processor.apply([
      ...(n % 3 === 0 ? [thingEvent(lane, 2 * n + 1, id, "Closed")] : [thingEvent(lane, 2 * n + 1, id, "Spoiled")]),
      ...(stored(n) ? [thingEvent(lane, 2 * n + 2, id, { eventType: "Counted", n })] : []),
    ]);
  }
  const queries = createAnswers(openQueries(station.file, options));
  const page = (parameters: object) => {
    const filter = readListFilter(type, { limit: 4, ...parameters });
    if (isRefused(filter)) throw new Error(filter.problem);
    return queries.list(type, filter) as unknown as { things: { thingId: string }[]; nextCursor: string | null };
  };
  return {
    station,
    stats: () => queries.stats(type).things,
    /** The numbers of all that a list gives, page after page. */
    list(parameters: object): number[] {
      const found: number[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const next = page({ ...parameters, ...(cursor && { cursor }) });
        found.push(...next.things.map(({ thingId }) => Number(thingId.slice("thing-".length))));
        cursor = next.nextCursor;
      }
      return found;
    },
    [Symbol.dispose]() {
      queries.close();
      station[Symbol.dispose]();
    },
  };
}

const newestFirst = (count: number, keep: (n: number) => boolean) =>
  Array.from({ length: count }, (_, n) => count - 1 - n).filter(keep);

it.each([
  ["along merged walks", 30, { maxScannedRows: 20_000 }],
  ["along merged walks, in pieces", 30, { maxScannedRows: 7 }],
  ["among all, as there are too many of them", SHELVES, { maxScannedRows: 7 }],
])("a filter by path finds all below it and in parallel states, newest first, %s", (_how, count, options) => {
  const isStored = (n: number) => n % 10 !== 9;
  using store = openStore(count, isStored, options);
  expect(store.list({ state: "money" })).toEqual(newestFirst(count, () => true));
  expect(store.list({ state: "money.paid" })).toEqual(newestFirst(count, (n) => n % 3 === 0));
  expect(store.list({ state: "goods.stored" })).toEqual(newestFirst(count, isStored));
  expect(store.list({ state: "goods.stored.shelf3" })).toEqual([3]);
  expect(store.list({ state: "goods.ordered", decision: "none" })).toEqual(newestFirst(count, (n) => !isStored(n)));
});

it("a filter by a path in which nobody is finds nobody, and one that the machine has not is refused", () => {
  using store = openStore(4, () => false);
  expect(store.list({ state: "goods.stored" })).toEqual([]);
  expect(() => store.list({ state: "goods.stor" })).toThrow(/state: "goods.stor" is not one of money, money.open, /);
});

it("a merged walk reads along the index", () => {
  const asked: string[] = [];
  using store = openStore(12, () => true, { onStatement: (sql) => asked.push(sql) });
  store.list({ state: "goods.stored" });
  const merged = asked.filter((sql) => sql.includes("UNION ALL") && sql.includes("actors_by_state"));
  expect(merged.length).toBeGreaterThan(0);
  for (const sql of merged) {
    const steps = store.station.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(
      steps.filter(({ detail }) => /SCAN actors|TEMP B-TREE(?! FOR LAST TERM)/.test(detail)),
      sql,
    ).toEqual([]);
  }
});

it("no more walks are merged than SQLite takes with ease", () => {
  const asked: string[] = [];
  using store = openStore(SHELVES, () => true, { onStatement: (sql) => asked.push(sql) });
  store.list({ state: "goods.stored" });
  expect(Math.max(...asked.map((sql) => sql.split("actors_by_state").length))).toBeLessThan(SHELVES);
});

it("counts are by leaf and by path; who is in two parallel states counts in both, and once in all", () => {
  using store = openStore(6, (n) => n === 1);
  const none = Object.fromEntries(leaves.map((leaf) => [leaf, 0]));
  const byState = { ...none, "money.open": 4, "money.paid": 2, "goods.ordered": 5, "goods.stored.shelf1": 1 };
  expect(store.stats()).toEqual({
    total: 6,
    byState,
    byPath: { ...byState, money: 6, goods: 6, "goods.stored": 1 },
  });
});
