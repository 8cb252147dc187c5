import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { leafPaths } from "../../src/actor/state-text.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import type { ActorPage } from "../../src/answers/queries.ts";
import { isRefused, readListFilter } from "../../src/answers/query-filters.ts";
import { openQueries } from "../../src/store/queries.ts";
import { openStation, type Station } from "../flow/station.ts";
import { thingEvent, thingLane, thingType } from "../flow/things.ts";

const DAY_MS = 86_400_000;

const machine = createMachine({
  initial: "draft",
  states: {
    draft: { after: { [60 * DAY_MS]: "late" }, on: { Counted: "open", Closed: "review" } },
    review: { after: { [50 * DAY_MS]: "late" }, initial: "first", states: { first: {} } },
    open: {
      type: "parallel",
      states: {
        money: { initial: "due", states: { due: { after: { [40 * DAY_MS]: "paid" } }, paid: {} } },
        goods: { initial: "due", states: { due: { after: { [45 * DAY_MS]: "sent" } }, sent: {} } },
      },
    },
    late: {},
  },
});
const type: ActorType = { ...thingType(), ordering: "event-time", machine, states: leafPaths(machine.root) };
const lane = thingLane(type);

it("when the next is due is told by the state it waits in, through an index of those that wait", () => {
  const asked = new Set<string>();
  using station = openStation();
  const told = [
    ["a", "Spoiled", "2026-02-10"],
    ["b", "Spoiled", "2026-02-01"],
    ["c", "Closed", "2026-02-20"],
    ["d", "Counted", "2026-02-05"],
  ] as const;
  station.processor.apply(
    told.map(([id, eventType, day], index) =>
      thingEvent(lane, index + 1, id, { eventType, timestamp: `${day}T00:00:00Z`, n: 1 }),
    ),
  );
  const queries = createAnswers(openQueries(station.file, { onStatement: (sql) => asked.add(sql) }));
  try {
    // Of what waits in two parallel states nobody kept in which it is due.
    const next = { draft: "2026-04-02T00:00:00.000Z", review: "2026-04-11T00:00:00.000Z" };
    expect(queries.nextDue(type)).toEqual(next);
    expect(queries.nextDue(type, [lane.partition])).toEqual(next);
    expect(queries.nextDue(type, [lane.partition + 1])).toEqual({});
  } finally {
    queries.close();
  }
  expectIndexed(station, asked);
});

// With 4 rows a page, most pages are short and say where to go on.
it.each([20_000, 4])(
  "who is due before a time is listed, the first first, of all partitions (%i rows a page)",
  (rows) => {
    const asked = new Set<string>();
    using station = openStation();
    for (let index = 0; index < 40; index++) {
      const day = String(1 + ((index * 7) % 20)).padStart(2, "0");
      const eventType = index % 4 === 0 ? "Closed" : "Spoiled";
      const own = { ...lane, partition: index % 3 };
      const told = { eventType, timestamp: `2026-02-${day}T00:00:00Z`, n: 1 };
      station.processor.apply([thingEvent(own, index + 1, `t-${index}`, told)]);
    }
    const onStatement = (sql: string) => asked.add(sql);
    const queries = createAnswers(openQueries(station.file, { onStatement, maxScannedRows: rows }));
    const all = (parameters: object, partitions?: number[]) => {
      const found: ActorPage[string][] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const filter = readListFilter(type, { ...parameters, limit: 3, cursor });
        if (isRefused(filter)) throw new Error(filter.problem);
        const page = queries.list(type, filter, partitions);
        found.push(page[type.collection] as never);
        cursor = page.nextCursor;
      }
      return found.flat() as unknown as { state: string; nextDue: string }[];
    };
    try {
      const dueBefore = "2026-04-12T00:00:00.000Z";
      const everybody = all({}).filter(({ nextDue }) => nextDue < dueBefore);
      const due = all({ dueBefore });
      expect(due.length).toBeGreaterThan(10);
      expect(due.map(({ nextDue }) => nextDue)).toEqual(everybody.map(({ nextDue }) => nextDue).sort());
      expect(all({ dueBefore, state: "review" })).toEqual(due.filter(({ state }) => state === "review.first"));
      expect([0, 1, 2].flatMap((partition) => all({ dueBefore }, [partition]))).toHaveLength(due.length);
      expect(readListFilter(type, { dueBefore: "soon" })).toMatchObject({
        problem: expect.stringContaining("dueBefore"),
      });
    } finally {
      queries.close();
    }
    expectIndexed(station, asked);
  },
);

function expectIndexed({ db }: Station, asked: ReadonlySet<string>): void {
  const looks = [...asked].filter((sql) => sql.includes("actors_due"));
  expect(looks.length).toBeGreaterThan(0);
  for (const sql of looks) {
    const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(
      steps.filter(({ detail }) => /^SCAN (actors|a|events|tallies|quarantine)\b|TEMP B-TREE/.test(detail)),
    ).toEqual([]);
  }
}
